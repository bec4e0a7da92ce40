"""The demo from beginning to end.

The sentence the code follows: *prepare a folder, start everything, apply the first rules, let
traffic run while the timeline is carried out, let a bad wave be paused by its guardrail, drain,
gather the evidence, stop everything, judge.*
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from loadtests import audit, sources
from loadtests.books import ERPS
from loadtests.demo import folder as folders
from loadtests.demo import rules
from loadtests.demo.badwave import CHANNEL, bad_wave
from loadtests.demo.board import Board
from loadtests.demo.children import Child
from loadtests.demo.conductor import LOOK_S, Conductor
from loadtests.demo.drain import drain, heal
from loadtests.demo.errors import DemoError, Stopped, Unmet
from loadtests.demo.folder import WorkFolder
from loadtests.demo.gateway import Gateway
from loadtests.demo.guard import Guard
from loadtests.demo.market import DRIVEN, Market
from loadtests.demo.options import Options
from loadtests.demo.receiver import Receiver
from loadtests.demo.signals import undisturbed
from loadtests.demo.stage import Stage
from loadtests.demo.tail import JournalTail, began
from loadtests.demo.timeline import (
    RULES_BAD_WAVE,
    RULES_FIRST,
    RULES_WAVE_1,
    RULES_WAVE_2,
    timeline,
)
from loadtests.demo.verdict import judge
from loadtests.demo.view import View, taken_words, view_of
from loadtests.demo.watch import Watch
from loadtests.errors import LoadTestError
from loadtests.events import EventLog, Pause, TrafficEnd

#: The driver imports its tools before it begins its journal.
DRIVER_START_S = 30.0
#: On a slow machine the story takes longer than planned; traffic goes on for so long at most.
OVERTIME_S = 120.0
#: What the driver may take beyond the traffic: its grace period, and room to end.
DRIVER_END_S = 45.0


def run(options: Options, console: Console) -> int:
    """Carry out a demo: 0 if its audit passed, 1 if not.

    Raises DemoError if it could not be carried out, Stopped if somebody stopped it. However it
    ends, nothing is left running. The folder stays if it was asked for, or to look into a failure.
    """
    folder = folders.make(options.folder)
    console.print(f"work folder: {folder.path}", markup=False, highlight=False, soft_wrap=True)
    keep = True
    try:
        code = Demo(options, folder, console).run()
        keep = code != 0 or options.keep_running
    except Stopped:
        keep = False
        raise
    finally:
        if folder.temporary and not keep:
            shutil.rmtree(folder.path, ignore_errors=True)
        else:
            words = f"logs, journal and events are in {folder.path}"
            console.print(words, markup=False, highlight=False, soft_wrap=True)
    return code


class Demo:
    """One demo in one folder."""

    def __init__(self, options: Options, folder: WorkFolder, console: Console) -> None:
        self._options = options
        self._folder = folder
        self._console = console
        self._today = datetime.now(UTC).date()
        self._board = Board(
            f"coexist demo: {options.duration_s:g} s of traffic, {options.rate_per_s:g} "
            f"requests/s, seed {options.seed}"
        )
        self._gateway = Gateway(folder.environment)
        self._log = EventLog(folder.events)

    def run(self) -> int:
        """Carry it out and return the exit code of its audit."""
        view = view_of(self._board, self._console)
        with closing(Receiver()) as receiver, self._stage(view) as stage:
            self._market = Market(
                stage, self._folder, self._board, self._log, self._gateway, self._today
            )
            conductor = self._set_up(stage, receiver)
            with self._watched(stage, view):
                if self._traffic(stage, conductor):
                    heal(stage, self._board)
                    self._met(lambda: self._bad_wave(stage, receiver))
                heal(stage, self._board)
                sold = self._market.settle(stage.must_run)
                drain(stage, self._gateway, self._board)
            evidence = self._evidence(stage, sold)
            if self._options.keep_running:
                view.end()
                code = self._judge(evidence)
                self._linger(stage)
                return code
        return self._judge(evidence)

    # ------------------------------------------------------------------ acts

    def _set_up(self, stage: Stage, receiver: Receiver) -> Conductor:
        board, folder = self._board, self._folder
        stage.start_erps()
        stage.start_channels(self._market.sources)
        self._gateway.init(folder.path)
        for name in (RULES_FIRST, RULES_WAVE_1, RULES_WAVE_2, RULES_BAD_WAVE):
            rules.fill(name, self._today, folder.rules)
        told = {"url": receiver.url, "secret": receiver.secret}
        folders.adjust(folder, stage.erps_ready(), folder.rules / RULES_WAVE_2, told)
        self._market.connect()
        board.note(f"both simulated ERPs and {len(stage.channels)} channels are up")
        conductor = Conductor(stage, self._gateway, board, self._log, folder.rules)
        conductor.first_rules(RULES_FIRST)
        stage.start_gateways_and_workers()
        conductor.approved(RULES_WAVE_1)
        board.note(f"{len(stage.gateways)} gateways and {len(stage.workers)} workers are up")
        return conductor

    def _met(self, part: Callable[[], None]) -> bool:
        """Carry out a part of the story; whether it came to its end. The audit misses the rest."""
        try:
            part()
        except Unmet as error:
            self._board.note(str(error), "bad")
            return False
        return True

    def _traffic(self, stage: Stage, conductor: Conductor) -> bool:
        """Let traffic run while the timeline is carried out; whether all of it was."""
        options, board = self._options, self._board
        driver = stage.start_driver(self._today, OVERTIME_S, DRIVEN)
        board.traffic_from_s = started = self._driver_began(stage)
        board.traffic_s = options.duration_s
        self._market.open(options.rate_per_s)
        board.phase = "traffic"
        board.note("traffic has begun")
        steps = timeline(options.duration_s, options.seed)
        whole = self._met(lambda: conductor.run(steps, started, self._market.tills))
        if whole:
            conductor.wait_until(started + options.duration_s)
        self._end_traffic(stage, driver, conductor)
        return whole

    def _end_traffic(self, stage: Stage, driver: Child, conductor: Conductor) -> None:
        self._market.close()
        driver.ask_to_stop()
        until = time.monotonic() + DRIVER_END_S
        while not driver.finished(good=(0, 1)):
            if time.monotonic() > until:
                raise DemoError(f"the driver did not end; see {driver.log}")
            conductor.wait_until(time.monotonic() + LOOK_S)
        conductor.all_there()
        for erp in ERPS:
            counters = stage.control(erp).counters()
            self._log.append(TrafficEnd(at=time.monotonic(), erp=erp, counters=counters))
        self._board.note(f"traffic has ended; {taken_words(self._board.reading)}")

    def _bad_wave(self, stage: Stage, receiver: Receiver) -> None:
        key, rules_of_it = folders.key_of(self._folder, CHANNEL), RULES_BAD_WAVE

        def apply() -> None:
            words = "wave 3: German product reads go to the cloud ERP"
            self._gateway.apply(self._folder.rules / rules_of_it, words)
            self._board.note(words, "flip")

        wave = bad_wave(stage, self._board, key, apply, receiver.told)
        self._log.append(Pause(at=time.monotonic(), wave=wave))

    def _driver_began(self, stage: Stage) -> float:
        until = time.monotonic() + DRIVER_START_S
        while (started := began(self._folder.journal)) is None:
            stage.must_run()
            if time.monotonic() > until:
                raise DemoError(f"the driver began no journal within {DRIVER_START_S:g} s")
            time.sleep(LOOK_S)
        return started

    def _evidence(self, stage: Stage, sold: Sequence[Path]) -> audit.Evidence:
        """Read journal, events, books and what is held; all the audit needs."""
        held = self._folder.path / "held.json"
        try:
            held.write_text(json.dumps(self._gateway.held()), encoding="utf-8")
            gathered = sources.gather(
                journal=self._folder.journal,
                events=self._folder.events,
                legacy_books=stage.erps["legacy"].url,
                cloud_books=stage.erps["cloud"].url,
                held=held,
                channels=sold,
            )
            return replace(gathered, gaps=self._market.gaps())
        except LoadTestError as error:
            raise DemoError(f"no audit is possible: {error}") from error

    def _judge(self, evidence: audit.Evidence) -> int:
        return judge(evidence, self._console, self._options.json)

    def _linger(self, stage: Stage) -> None:
        """Say how to use what runs, and leave it running until somebody stops it."""
        say = [f"{child.name}: {child.url}" for child in (*stage.gateways, *stage.erps.values())]
        say += [f"API keys by channel: {self._folder.keys}", "for the command line:"]
        say += [f"  export {name}={value}" for name, value in self._folder.exports.items()]
        say += ["all of it runs on until Ctrl-C"]
        self._console.print("\n".join(say), markup=False, highlight=False, soft_wrap=True)
        try:
            while True:
                stage.must_run()
                time.sleep(LOOK_S)
        except Stopped:
            self._console.print("stopping")

    # ------------------------------------------------------------------ around them

    @contextmanager
    def _stage(self, view: View) -> Iterator[Stage]:
        """A stage on which, however the demo ends, nothing is left running."""
        guard = Guard()
        stage = Stage(self._folder, self._options, guard)
        view.begin()
        try:
            yield stage
        finally:
            with undisturbed():
                view.end()
                stage.stop()
                if self._folder.config.exists():
                    self._gateway.stop_store()
                guard.close()

    @contextmanager
    def _watched(self, stage: Stage, view: View) -> Iterator[None]:
        key, tail = folders.ops_key(self._folder), JournalTail(self._folder.journal)
        watch = Watch(self._board, stage, key, tail, view.draw, self._market.sales.read)
        watch.start()
        try:
            yield
        finally:
            watch.end()
        self._board.reading = reading = watch.read()
        self._board.note(f"before the audit: {taken_words(reading)}")
