"""Carries out the timeline while traffic runs, and records what it did for the audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from loadtests import events
from loadtests.books import ERPS, Erp
from loadtests.demo import rules
from loadtests.demo.board import Board
from loadtests.demo.children import Child
from loadtests.demo.errors import CommandError, DemoError, Unmet
from loadtests.demo.gateway import Gateway, Marker
from loadtests.demo.stage import Stage
from loadtests.demo.timeline import (
    Compare,
    Fault,
    Flip,
    KillGateway,
    KillWorker,
    Rollback,
    Schedule,
    Step,
    Tills,
)

#: Workers killed at most until one had sends under way.
KILLS_MAX = 4
#: Both ERPs are made this slow around the kill of a worker, in ms: sends take long enough to be
#: met under way.
SLOW_MS = 700
#: A worker is killed once the ERPs serve so many requests, or after so many s.
SENDS_MIN, AMID_S = 4, 4.0
#: After so long, in s, an ERP has carried out whatever a killed caller had sent: SLOW_MS, the
#: ERP's own time, and room for a busy machine.
CARRIED_OUT_S = 1.5
#: Steps planned at least so far apart, in s, are carried out so far apart, however late they are:
#: faults piled on each other would hide each other.
DISTANCE_S = 1.0
#: Where the command that schedules a flip came too late, it is due so much later, in s: tried one
#: by one, as the command itself takes a while on a busy machine.
LATER_S = (0.0, 10.0, 30.0)
#: A scheduled flip is in force so long after it was due at the latest, in s, on a busy machine.
FLIPPED_WITHIN_S = 30.0
#: Between two looks at whether all processes still run, in s.
LOOK_S = 0.2


class Conductor:
    """Does what the steps say. ``rules`` is the folder of the filled-in rule sets."""

    def __init__(
        self,
        stage: Stage,
        gateway: Gateway,
        board: Board,
        log: events.EventLog,
        rules_folder: Path,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stage = stage
        self._gateway = gateway
        self._board = board
        self._log = log
        self._rules = rules_folder
        self._clock = clock
        self._sleep = sleep
        #: Processes started in place of killed ones and not ready yet, with the time of the kill.
        self._starting: dict[Child, float] = {}
        #: When traffic began, and the scheduled flip: its id, and when it is due (monotonic s).
        self._began_s = 0.0
        self._scheduled: tuple[str, float] | None = None
        self._tills: Callable[[str], None] = lambda _: None

    def run(
        self, steps: list[Step], began: float, tills: Callable[[str], None] = lambda _: None
    ) -> None:
        """Carry out all steps, each at its time after ``began`` (monotonic s).

        ``tills`` does to the stores what the step says.

        On a slow machine a step may take longer than planned; the next one is late then, but
        never on its heels. Raises DemoError if one cannot be carried out.
        """
        self._began_s, self._tills = began, tills
        planned_s, done = 0.0, began
        for step in steps:
            distance_s = min(DISTANCE_S, step.at_s - planned_s)
            self.wait_until(max(began + step.at_s, done + distance_s))
            self._do(step)
            planned_s, done = step.at_s, self._clock()

    def wait_until(self, at: float) -> None:
        """Wait until ``at`` (monotonic s); raises ChildError if a process ends meanwhile."""
        while True:
            self._stage.must_run()
            self._welcome()
            left_s = at - self._clock()
            if left_s <= 0:
                return
            self._sleep(min(LOOK_S, left_s))

    def all_there(self) -> None:
        """Wait until what was started in place of killed processes is ready. Raises ChildError."""
        for child in list(self._starting):
            child.ready()
        self._welcome()

    def first_rules(self, name: str) -> None:
        """Bring the rules the run starts under into force."""
        at_start = self._clock()
        marker = self._gateway.apply(self._rules / name, "everything as it always was")
        self._in_force(name, "initial", at_start, marker)
        self._board.note("rules: everything goes to the legacy ERP", "flip")

    def approved(self, name: str) -> None:
        """Have rules approved before they are due: on a busy machine it takes its time."""
        self._gateway.approved(self._rules / name, "the first wave")
        self._board.note("wave 1 is proposed, and approved by somebody else", "flip")

    def _do(self, step: Step) -> None:
        match step.action:
            case Schedule(name, due_s):
                self._schedule(name, due_s, step.words)
            case Compare():
                self._compare(step.words)
            case Flip(name, scheduled=True):
                self._await(name, step.words)
            case Flip(name):
                self._flip(name, "apply", step.words)
            case Rollback(name):
                self._flip(name, "rollback", step.words)
            case Tills(what):
                self._tills(what)
                self._board.note(step.words)
            case Fault():
                self._fault(step.action, step.words)
            case KillWorker(which):
                self._kill_workers(which)
            case KillGateway(which):
                self._kill_gateway(which)

    def _flip(self, name: str, kind: Literal["apply", "rollback"], words: str) -> None:
        if kind == "rollback":
            for line in self._gateway.preview():
                self._board.note(f"rollback preview: {line.strip()}", "flip")
        self._board.note(f"{words}: bringing it into force …", "flip")
        at_start = self._clock()
        try:
            if kind == "apply":
                marker = self._gateway.apply(self._rules / name, words)
            else:
                marker = self._gateway.rollback(words)
        except DemoError:
            self._in_force(name, kind, at_start, None)
            raise
        self._in_force(name, kind, at_start, marker)
        took_s = self._clock() - at_start
        self._board.note(
            f"{words}: in force as epoch {marker.epoch}, everywhere, after {took_s:.1f} s", "flip"
        )

    def _schedule(self, name: str, due_s: float, words: str) -> None:
        """Schedule a flip, later if the command itself came too late. Raises DemoError."""
        for later_s in LATER_S:
            due = self._began_s + due_s + later_s
            wall = datetime.now(UTC) + timedelta(seconds=due - self._clock())
            try:
                schedule_id = self._gateway.schedule(self._rules / name, wall, words)
            except CommandError as error:
                if "has passed" not in str(error):
                    raise
            else:
                self._scheduled = schedule_id, due
                said = f"{words}: due at {wall:%H:%M:%S} UTC, nobody has to be there"
                self._board.note(said, "flip")
                return
        raise DemoError(f"no command of the gateway ends within {due_s + LATER_S[-1]:g} s")

    def _await(self, name: str, words: str) -> None:
        """See a scheduled flip come, done by whichever process is on duty then. Raises Unmet."""
        if self._scheduled is None:
            raise DemoError(f"{words}: nobody scheduled it")
        schedule_id, due = self._scheduled
        self.wait_until(due + LOOK_S)
        while self._clock() < due + FLIPPED_WITHIN_S:
            stage, reason, marker = self._gateway.scheduled(schedule_id)
            if stage == "done":
                self._in_force(name, "apply", due, marker, scheduled=True)
                said = f"{words}: in force as epoch {marker.epoch}, as scheduled"
                self._board.note(said, "flip")
                return
            if stage not in ("scheduled", "running"):
                self._in_force(name, "apply", due, None, scheduled=True)
                raise Unmet(f"the scheduled flip is {stage}: {reason}")
            self.wait_until(self._clock() + 2 * LOOK_S)
        self._in_force(name, "apply", due, None, scheduled=True)
        raise Unmet(f"the scheduled flip did not come within {FLIPPED_WITHIN_S:g} s")

    def _compare(self, words: str) -> None:
        """Look at what was compared so far; that something was, the audit demands."""
        found = self._gateway.compared()
        at = self._clock()
        for one in found:
            self._board.note(
                f"{words}: {one.process} compared {one.compared} times, {one.different} differ",
                "good",
            )
        compared, different = (
            sum(one.compared for one in found), sum(one.different for one in found),
        )  # fmt: skip
        self._log.append(events.Comparison(at=at, compared=compared, different=different))

    def _in_force(
        self,
        name: str,
        kind: Literal["initial", "apply", "rollback"],
        at_start: float,
        marker: Marker | None,
        *,
        scheduled: bool = False,
    ) -> None:
        """Record a flip; ``marker`` None means it never returned."""
        found = rules.read(self._rules / name)
        self._log.append(
            events.Apply(
                at_start=at_start,
                at_return=self._clock() if marker else None,
                epoch=marker.epoch if marker else 0,
                version=marker.version if marker else "",
                kind=kind,
                rules=found,
                scheduled=scheduled,
            )
        )
        if marker:
            self._board.routes = rules.routes(found)

    def _fault(self, fault: Fault, words: str) -> None:
        at = self._switch_on(fault.erp, fault.name, fault.duration_s, **fault.parameters)
        until = at + fault.duration_s
        self._log.append(events.Fault(erp=fault.erp, name=fault.name, at=at, until=until))
        count = fault.parameters.get("count")
        span = f"{count} times" if count else f"for {fault.duration_s:g} s"
        self._board.note(f"the {fault.erp} ERP {words} ({fault.name}, {span})", "fault")

    def _switch_on(self, erp: Erp, name: str, duration_s: float, **parameters: object) -> float:
        at = self._clock()
        self._stage.control(erp).switch_on(name, {"duration_s": duration_s, **parameters})
        return at

    def _kill_workers(self, which: int) -> None:
        """Kill one worker after another until one had sends under way.

        What tells is the ERPs' own count of documents they booked for a caller who was gone.
        """
        for attempt in range(KILLS_MAX):
            self.all_there()  # whoever is alone sends, and who has just started does not
            for erp in ERPS:
                self._switch_on(erp, "latency", AMID_S + CARRIED_OUT_S, delay_ms=SLOW_MS)
            self._amid_sends()
            unheard = self._booked_unheard()
            at = self._clock()
            dead = self._stage.kill_worker(which + attempt)
            self._starting.pop(dead, None)
            self._starting[self._stage.add_worker()] = at
            self.wait_until(at + CARRIED_OUT_S)
            in_flight = self._booked_unheard() - unheard
            self._log.append(events.Kill(what="worker", at=at, in_flight=in_flight))
            self._board.note(f"kill -9 of {dead.name} with {in_flight} sends under way", "kill")
            if in_flight or self._stage.traffic_over():
                return

    def _amid_sends(self) -> None:
        """Wait until some sends are under way, AMID_S at most."""
        until = self._clock() + AMID_S
        while self._clock() < until:
            if sum(len(self._stage.control(erp).in_service()) for erp in ERPS) >= SENDS_MIN:
                return
            self._sleep(LOOK_S / 4)

    def _welcome(self) -> None:
        """Say of each process that was started in place of another when it is ready."""
        for child, since in list(self._starting.items()):
            if child.is_ready():
                del self._starting[child]
                took_s = self._clock() - since
                self._board.note(f"{child.name} serves, {took_s:.1f} s after the kill", "good")

    def _booked_unheard(self) -> int:
        counted = (self._stage.control(erp).counters()["booked_unheard"] for erp in ERPS)
        return sum(counted)

    def _kill_gateway(self, which: int) -> None:
        at = self._clock()
        dead = self._stage.kill_gateway(which)
        self._log.append(events.Kill(what="gateway", at=at))
        self._board.note(f"kill -9 of {dead.name}, parent and child", "kill")
        self._starting[self._stage.replace_gateway(dead)] = at
