"""Carries out the steps of a schedule while traffic runs, and records what it did for the audit."""

from __future__ import annotations

import heapq
import signal
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from loadtests import events
from loadtests.books import ERPS
from loadtests.demo.board import Board
from loadtests.demo.children import Child
from tests.chaos import worker
from tests.chaos.flips import Flips
from tests.chaos.schedule import (
    KINDS,
    LEASE_S,
    SLOW_MS,
    UNCLAIMED,
    Fault,
    Flip,
    Jump,
    Kill,
    Process,
    Step,
    Stop,
    Strain,
)
from tests.chaos.stage import ChaosStage, send_signal
from tests.chaos.store import Ledger, Store

#: A worker amid a send is looked for so long, in s.
LOOK_FOR_S: Final = 1.5
#: Between two looks at whether all processes still run, in s.
LOOK_S: Final = 0.1
#: A fault nobody met is switched on again after so long, in s.
INSIST_AGAIN_S: Final = 6.0
#: Between two tries to end a strain, in s.
AGAIN_S: Final = 0.5


class Conductor:
    """Does what the steps say, and undoes it when its time is over."""

    def __init__(
        self, stage: ChaosStage, store: Store, ledger: Ledger, flips: Flips,
        log: events.EventLog, board: Board,
    ) -> None:  # fmt: skip
        self._stage = stage
        self._store = store
        self._ledger = ledger
        self._flips = flips
        self._log = log
        self._board = board
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._strained: set[str] = set()
        #: Whether the last step found nobody to do it to; and the steps that did not.
        self._idle = False
        self._left: list[Step] = []

    def run(self, steps: Sequence[Step], began: float) -> None:
        """Carry out all steps, each at its time after ``began`` (monotonic s).

        Raises DemoError if one cannot be carried out or a process ended that nobody killed.
        """
        for step in steps:
            self.wait_until(began + step.at_s)
            self._do(step)
            if self._idle:
                self._left.append(step)

    def wait_until(self, at: float) -> None:
        """Wait, undoing meanwhile what is over."""
        while True:
            self._undo(time.monotonic())
            self._stage.must_run()
            if self._flips.failed is not None:
                raise self._flips.failed
            left_s = at - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(LOOK_S, left_s))

    def insist(self, steps: Sequence[Step], until_s: float) -> None:
        """Do again what found nobody to do it to, or no request has met, until each was met."""
        due_s = 0.0
        while self._left and time.monotonic() < until_s:
            self._do(self._left[0])
            if not self._idle:
                self._left.pop(0)
            self.wait_until(time.monotonic() + LOOK_S * 5)
        while missed := [step for step in steps if not self._met(step)]:
            now_s = time.monotonic()
            if now_s > until_s:
                return
            if now_s >= due_s:
                for step in missed:
                    self._do(step)
                due_s = now_s + INSIST_AGAIN_S
            self.wait_until(now_s + LOOK_S * 5)

    def _met(self, step: Step) -> bool:
        """Whether an ERP counts what the step was to bring about; what others count is met."""
        hazard = KINDS[step.kind]
        if not isinstance(step.action, Fault) or step.kind in UNCLAIMED:
            return True
        name = "throttled_429" if hazard == "erp_429" else hazard
        return self._stage.control(step.action.erp).counters()[name] > 0

    def heal(self) -> None:
        """Undo everything now, and see every process serve. Raises DemoError."""
        while self._later:
            self._undo(float("inf"))
            time.sleep(LOOK_S)
        for erp in ERPS:
            self._stage.control(erp).heal()
        self._store.start()
        self._stage.all_ready()
        self._board.note("everything is healed", "good")

    def _undo(self, now_s: float) -> None:
        while self._later and self._later[0][0] <= now_s:
            _, _, act = heapq.heappop(self._later)
            act()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._number), act))

    def _do(self, step: Step) -> None:
        self._idle = False
        match step.action:
            case Flip():
                self._flips.ask(step.action)
            case Fault():
                self._fault(step.action)
            case Jump():
                self._jump(step.action)
            case Strain("memory", for_s):
                self._strain("memory", for_s, self._store.fill, self._store.relieve)
            case Strain(_, for_s):
                self._strain("ledger", for_s, self._ledger.lose, self._ledger_restored)
            case Kill("store", _, pause_s):
                self._kill_store(pause_s)
            case Kill():
                self._kill(step.action)
            case Stop("store", _, for_s):
                self._stop_store(for_s)
            case Stop():
                self._stop(step.action)

    # ------------------------------------------------------------------ ERPs, clocks

    def _fault(self, fault: Fault) -> None:
        at = time.monotonic()
        parameters = {"duration_s": fault.for_s, **fault.parameters}
        control = self._stage.control(fault.erp)
        control.switch_on(fault.name, parameters)
        if fault.lost:
            control.switch_on("lost_reply", {"duration_s": fault.for_s, "count": fault.lost})
        delay_ms = int(fault.parameters.get("delay_ms", 0))
        until = at + fault.for_s
        self._log.append(
            events.Fault(erp=fault.erp, name=fault.name, at=at, until=until, delay_ms=delay_ms)
        )
        said = ", ".join(f"{name} {value}" for name, value in parameters.items())
        self._board.note(f"{fault.erp} ERP: {fault.name} ({said})", "fault")

    def _jump(self, jump: Jump) -> None:
        child = self._one_of("worker", jump.which)
        if child is None:
            self._idle = True
            return
        worker.jump(worker.clock_file(child.announcement), jump.by_s)
        self._log.append(events.Jump(at=time.monotonic(), by_s=jump.by_s))
        self._board.note(f"the clock of {child.name} jumps by {jump.by_s} s", "fault")

    # ------------------------------------------------------------------ gateways, workers

    def _kill(self, kill: Kill) -> None:
        child, in_flight = self._victim(kill.what, kill.which)
        if child is None:
            self._idle = True
            return
        at = time.monotonic()
        self._stage.kill(child)
        self._log.append(events.Kill(what=kill.what, at=at, in_flight=in_flight))
        self._board.note(f"kill -9 of {child.name}, {in_flight} sends under way", "kill")
        self._after(kill.pause_s, lambda: self._replace(kill, child))

    def _replace(self, kill: Kill, dead: Child) -> None:
        if kill.what == "worker":
            self._stage.replaced(self._stage.add_worker())
        else:
            assert urlsplit(dead.url).port
            self._stage.replaced(self._stage.replace_gateway(dead))

    def _stop(self, stop: Stop) -> None:
        child, in_flight = self._victim(stop.what, stop.which)
        if child is None:
            self._idle = True
            return
        at = time.monotonic()
        send_signal(child, signal.SIGSTOP)
        self._board.note(
            f"{child.name} stands still for {stop.for_s} s, {in_flight} sends under way", "kill"
        )

        def go_on() -> None:
            send_signal(child, signal.SIGCONT)
            until, alive = time.monotonic(), child.alive()
            beyond = stop.what == "worker" and alive and until - at > LEASE_S
            self._log.append(
                events.Stop(
                    what=stop.what, at=at, until=until, in_flight=in_flight, beyond_lease=beyond
                )
            )

        self._after(stop.for_s, go_on)

    def _victim(self, what: Process, which: int) -> tuple[Child | None, int]:
        """Choose a process that serves; a worker amid a send if there is one soon, standing still.

        Also how many sends it has under way. The ERPs are made slow for so long: else a send is
        over before anybody has seen it.
        """
        if what != "worker":
            return self._one_of(what, which), 0
        for erp in ERPS:
            slow = {"duration_s": LOOK_FOR_S, "delay_ms": SLOW_MS}
            self._stage.control(erp).switch_on("latency", slow)
        until_s = time.monotonic() + LOOK_FOR_S
        while time.monotonic() < until_s:
            child = self._one_of(what, which)
            if child is not None and self._stage.sends_of(child):
                send_signal(child, signal.SIGSTOP)
                sends = self._stage.sends_of(child)
                if sends:
                    return child, sends
                send_signal(child, signal.SIGCONT)
            which += 1
            time.sleep(0.02)
        return self._one_of(what, which), 0

    def _one_of(self, what: str, which: int) -> Child | None:
        ready = self._stage.ready_ones(what)
        return ready[which % len(ready)] if ready else None

    # ------------------------------------------------------------------ store, ledger

    def _kill_store(self, pause_s: float) -> None:
        killed = self._store.signal(signal.SIGKILL)
        if killed is not None:
            self._log.append(events.Kill(what="store", at=time.monotonic()))
            self._board.note(f"kill -9 of the store, started again after {pause_s} s", "kill")

        def start() -> None:
            if killed is not None and self._store.pid() == killed:  # a busy machine takes its time
                self._after(LOOK_S, start)
            else:
                self._store.start()

        self._after(pause_s, start)

    def _stop_store(self, for_s: float) -> None:
        at, pid = time.monotonic(), self._store.signal(signal.SIGSTOP)
        if pid is None:
            self._idle = True
            return
        self._board.note(f"the store stands still for {for_s} s", "kill")

        def go_on() -> None:
            self._store.signal(signal.SIGCONT)
            self._log.append(events.Stop(what="store", at=at, until=time.monotonic()))

        self._after(for_s, go_on)

    def _strain(
        self, what: str, for_s: float, begin: Callable[[], bool], end: Callable[[], bool]
    ) -> None:
        if what in self._strained or not begin():
            self._idle = True
            return
        self._strained.add(what)
        at = time.monotonic()
        self._board.note(f"{what} is away for {for_s} s", "fault")

        def relieve() -> None:
            until = time.monotonic()
            if not end():
                self._after(AGAIN_S, relieve)
                return
            self._strained.discard(what)
            self._log.append(
                events.Strain(what="memory" if what == "memory" else "ledger", at=at, until=until)
            )

        self._after(for_s, relieve)

    def _ledger_restored(self) -> bool:
        self._ledger.restore()
        return True
