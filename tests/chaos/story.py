"""A chaos run from beginning to end.

The sentence the code follows: *start an installation, let traffic run while the schedule is carried
out, heal everything, demand that it drains within a bound, hold the journal against the books, and
demand that everything the run claims to survive has occurred.*
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console

from loadtests import audit, present, sources
from loadtests.books import ERPS, Erp
from loadtests.demo import folder as folders
from loadtests.demo import options as demo_options
from loadtests.demo import rules
from loadtests.demo.board import Board
from loadtests.demo.control import metrics
from loadtests.demo.drain import PENDING, left
from loadtests.demo.errors import DemoError
from loadtests.demo.folder import Access, WorkFolder
from loadtests.demo.gateway import Gateway
from loadtests.demo.guard import Guard
from loadtests.demo.signals import undisturbed
from loadtests.demo.tail import JournalTail, began
from loadtests.demo.view import view_of
from loadtests.demo.watch import Watch
from loadtests.events import EventLog
from loadtests.findings import CHAOS, HAZARDS, Report
from tests.chaos import schedule as plans
from tests.chaos.conductor import Conductor
from tests.chaos.flips import FlipFailed, Flips
from tests.chaos.history import Sources
from tests.chaos.options import Options
from tests.chaos.progress import Progress
from tests.chaos.schedule import ABSENT_FINAL_S, LEASE_S, REQUEST_S, RULES, RULES_LAST, Step
from tests.chaos.stage import ChaosStage
from tests.chaos.store import Ledger, PostgresLedger, SqliteLedger, Store
from tests.processes import ROOT

#: Faults that met nobody are tried again for so long, in s.
INSIST_S_MAX: Final = 30.0
#: The driver's grace period, and room to end.
DRIVER_END_S: Final = 75.0
LOOK_S: Final = 0.5


@dataclass(slots=True)
class Outcome:
    """What a run came to. ``reasons`` in plain words why it failed; none if it passed."""

    seed: int
    steps: list[Step]
    report: Report | None = None
    reasons: list[str] = field(default_factory=list)
    drained_s: float | None = None
    released: int = 0
    started_again: int = 0

    def as_json(self) -> dict[str, Any]:
        """For ``--json``: counts by kind of fault, accepted, booked, findings, verdict."""
        report = self.report.as_json() if self.report else {}
        counts = {name: report.get(name, 0) for name in [*HAZARDS, *CHAOS]}
        return {
            "seed": self.seed,
            "passed": not self.reasons,
            "reasons": self.reasons,
            "steps": len(self.steps),
            "faults": counts,
            "drained_s": self.drained_s,
            "released": self.released,
            "started_again": self.started_again,
            **{name: value for name, value in report.items() if name not in counts},
        }


class Chaos:
    """One run in one folder."""

    def __init__(self, options: Options, folder: WorkFolder, console: Console) -> None:
        self._options = options
        self._folder = folder
        self._console = console
        self._steps = (
            plans.short(options.seed)
            if options.minutes is None
            else plans.schedule(options.minutes * 60, options.seed)
        )
        self._traffic_s = plans.duration_s(self._steps)
        self._today = datetime.now(UTC).date()
        self._board = Board(
            f"chaos: {len(self._steps)} steps in {self._traffic_s:.0f} s, seed {options.seed}"
        )
        self._environment = {**folder.environment, "PYTHONPATH": str(ROOT)}
        self._gateway = Gateway(self._environment)
        self._store = Store(folder.path / "data")
        self._outcome = Outcome(options.seed, self._steps)

    def run(self) -> Outcome:
        """Carry it out and judge it."""
        view = view_of(self._board, self._console)
        with self._opened() as (stage, ledger):
            view.begin()
            try:
                conductor, flips = self._set_up(stage, ledger)
                tail = JournalTail(self._folder.journal)
                watch = Watch(self._board, stage, folders.ops_key(self._folder), tail, view.draw)
                watch.start()
                try:
                    self._traffic(stage, conductor, flips)
                    self._drain(stage)
                finally:
                    watch.end()
                self._judge(stage, ledger)
            except (DemoError, FlipFailed) as error:
                self._outcome.reasons.append(str(error))
            finally:
                view.end()
            self._outcome.started_again = stage.started_again
        return self._outcome

    # ------------------------------------------------------------------ acts

    def _set_up(self, stage: ChaosStage, ledger: Ledger) -> tuple[Conductor, Flips]:
        folder, board = self._folder, self._board
        stage.start_erps()
        self._gateway.init(folder.path)
        for name in RULES:
            rules.fill(name, self._today, folder.rules, Path(__file__).parent / "rules")
        configure(folder, stage.erps_ready(), ledger.url)
        log = EventLog(folder.events)
        flips = Flips(self._environment, folder.rules, self._store, log, board)
        flips.first(RULES[0])
        stage.start_gateways_and_workers()
        board.note(f"{len(stage.gateways)} gateways and {len(stage.workers)} workers are up")
        flips.start()
        return Conductor(stage, self._store, ledger, flips, log, board), flips

    def _traffic(self, stage: ChaosStage, conductor: Conductor, flips: Flips) -> None:
        board = self._board
        driver = stage.start_driver(self._today)
        while (started := began(self._folder.journal)) is None:
            stage.must_run()
            time.sleep(0.05)
        board.traffic_from_s, board.traffic_s, board.phase = started, self._traffic_s, "traffic"
        conductor.run(self._steps, started)
        conductor.wait_until(started + self._traffic_s)
        conductor.insist(self._steps, started + self._traffic_s + INSIST_S_MAX)
        flips.catch_up(INSIST_S_MAX)
        conductor.heal()
        driver.ask_to_stop()  # it sends nothing new, and concludes what is open
        flips.end(RULES_LAST)
        until = time.monotonic() + DRIVER_END_S
        while not driver.finished(good=(0, 1)):
            if time.monotonic() > until:
                raise DemoError(f"the driver did not end; see {driver.log}")
            conductor.wait_until(time.monotonic() + LOOK_S)
        board.note("traffic has ended")

    def _drain(self, stage: ChaosStage) -> None:
        """Demand that something is booked within a bound, again and again, until nothing waits."""
        began_s, key = time.monotonic(), folders.ops_key(self._folder)
        progress = Progress(began_s)
        while not progress.done:
            stage.must_run()
            backlog = _backlog(stage, key)
            if backlog.get("held"):
                self._release()
            waiting = left(backlog, _pending(stage)) | _held(backlog)
            failed = progress.look(time.monotonic(), _booked(stage), waiting)
            if failed:
                self._outcome.reasons.append(failed)
                return
            self._board.phase = f"draining {sum(waiting.values())}"
            time.sleep(LOOK_S)
        self._outcome.drained_s = round(time.monotonic() - began_s, 1)
        self._board.note(f"drained after {self._outcome.drained_s} s", "good")

    def _release(self) -> None:
        """As staff would: what looked like poison, because those who had it died, is let go."""
        held = self._gateway.held()
        if held:
            self._gateway.retry(held)
            self._outcome.released += len(held)
            self._board.note(f"{len(held)} held transactions are released")

    def _judge(self, stage: ChaosStage, ledger: Ledger) -> None:
        held = self._folder.path / "held.json"
        held.write_text(json.dumps(self._gateway.held()))
        evidence = sources.gather(
            journal=self._folder.journal,
            events=self._folder.events,
            legacy_books=stage.erps["legacy"].url,
            cloud_books=stage.erps["cloud"].url,
            held=held,
        )
        report = audit.audit(evidence)
        claimed = plans.claims(self._steps, whole=self._options.minutes is not None)
        claims = audit.Claims(
            claimed, rejected_allowed=0, unknown_allowed=0, absent_final_s=ABSENT_FINAL_S
        )
        verdict = audit.verdict(report, claims)
        present.show(report, verdict, self._console)
        self._outcome.report = report
        self._outcome.reasons += verdict.reasons
        told = Sources(self._folder.run, ledger.url, evidence.journal, evidence.documents)
        for line in told.histories(report.findings):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    # ------------------------------------------------------------------ around them

    @contextmanager
    def _opened(self) -> Iterator[tuple[ChaosStage, Ledger]]:
        """A stage and a ledger; however the run ends, nothing is left running."""
        guard, traffic = (
            Guard(),
            demo_options.Options(
                seed=self._options.seed,
                rate_per_s=self._options.rate_per_s,
                # It is told when to end.
                duration_s=self._traffic_s + 2 * INSIST_S_MAX + DRIVER_END_S,
            ),
        )
        stage = ChaosStage(self._folder, traffic, guard)
        ledger: Ledger = (
            PostgresLedger()
            if self._options.ledger == "postgres"
            else SqliteLedger(self._folder.path / "data" / "ledger.sqlite3")
        )
        try:
            yield stage, ledger
        finally:
            with undisturbed():
                stage.stop()
                self._store.end()
                ledger.close()
                guard.close()


def run(options: Options, console: Console) -> Outcome:
    """Carry out a run; a folder of its own stays only if the run failed."""
    folder = folders.make(options.folder)
    outcome = Outcome(options.seed, [])
    try:
        outcome = Chaos(options, folder, console).run()
    finally:
        if options.json is not None:
            options.json.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
        if folder.temporary and outcome.steps and not outcome.reasons:
            shutil.rmtree(folder.path, ignore_errors=True)
        else:
            words = f"logs, journal and events are in {folder.path}"
            console.print(words, markup=False, highlight=False, soft_wrap=True)
    return outcome


def configure(folder: WorkFolder, access: dict[Erp, Access], ledger_url: str) -> None:
    """Fit the configuration that `coexist init` wrote to what the schedule does."""
    content = yaml.safe_load(folder.config.read_text())
    content |= {"lease_ms": round(LEASE_S * 1000), "rule_lease_ms": 500, "ledger_url": ledger_url}
    content |= {"watchdog": False}  # workers that stand still and wake are what is played here
    content["rules_dir"] = str(folder.rules / RULES_LAST)
    for erp in ERPS:
        content["erps"][erp] |= {
            "url": access[erp].url,
            "user": access[erp].user,
            "secret": access[erp].secret,
            "request_s": REQUEST_S,
            "absent_final_s": ABSENT_FINAL_S,
            "poll_s": 0.5,
            # What was refused for a reason that passes is tried again within the drain.
            "wait_first_s": 1,
            "wait_max_s": 4,
        }
    folder.config.write_text(yaml.safe_dump(content, sort_keys=False))


def _backlog(stage: ChaosStage, key: str) -> dict[str, int]:
    """What waits, by name, as a gateway last measured it."""
    samples = metrics(stage.gateways[0].url, key)
    return {
        dict(labels)["what"]: int(value)
        for (name, labels), value in samples.items()
        if name == "coexist_backlog"
    }


def _booked(stage: ChaosStage) -> int:
    return sum(stage.control(erp).counters()["booked"] for erp in ERPS)


def _held(backlog: Mapping[str, int]) -> dict[str, int]:
    return {"held": backlog["held"]} if backlog.get("held") else {}


def _pending(stage: ChaosStage) -> dict[str, int]:
    pending: dict[str, int] = {}
    for erp in ERPS:
        counters = stage.control(erp).counters()
        pending |= {f"{name.replace('_', ' ')} in {erp}": counters[name] for name in PENDING}
    return pending
