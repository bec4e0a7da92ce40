"""The processes of a chaos run: the demo's, with workers whose clocks jump, and a supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from loadtests.books import ERPS
from loadtests.demo.children import Child
from loadtests.demo.errors import ChildError, DemoError
from loadtests.demo.folder import WorkFolder
from loadtests.demo.guard import Guard
from loadtests.demo.options import Options
from loadtests.demo.stage import Stage

#: A process that cannot start because what it needs is away is started again for so long, in s.
TRY_S_MAX: Final = 60.0


class ChaosStage(Stage):
    """A stage that starts again what could not start, as any supervisor would."""

    scenario = str(Path(__file__).parent / "scenario.yaml")
    worker_module = ("tests.chaos.worker",)

    def __init__(self, folder: WorkFolder, options: Options, guard: Guard) -> None:
        super().__init__(folder, options, guard)
        #: Processes started in place of killed ones and not ready yet, since when.
        self.starting: dict[Child, float] = {}
        self.started_again = 0

    def must_run(self) -> None:
        """Raise ChildError if a process ended that was ready, or one cannot start at all."""
        for child, since_s in list(self.starting.items()):
            if child.alive():
                if child.is_ready():
                    del self.starting[child]
            elif time.monotonic() - since_s > TRY_S_MAX:
                child.must_run()
            else:
                self.started_again += 1
                child.start()
        for child in [*self.erps.values(), *self.gateways, *self.workers]:
            if child not in self.starting:
                child.must_run()
        if self.driver is not None:
            self.driver.finished(good=(0, 1))

    def replaced(self, child: Child) -> None:
        """Note that ``child`` was started in place of another."""
        self.starting[child] = time.monotonic()

    def ready_ones(self, what: str) -> list[Child]:
        """Gateways or workers that serve."""
        every = self.workers if what == "worker" else self.gateways
        return [child for child in every if child not in self.starting]

    def kill(self, child: Child) -> None:
        """``kill -9`` a worker or gateway and what it started."""
        every = self.workers if child in self.workers else self.gateways
        every.remove(child)
        child.kill()

    def all_ready(self, within_s: float = TRY_S_MAX) -> None:
        """Wait until every process serves. Raises ChildError."""
        until_s = time.monotonic() + within_s
        while self.starting:
            self.must_run()
            if time.monotonic() > until_s:
                names = ", ".join(child.name for child in self.starting)
                raise ChildError(f"not ready after {within_s:g} s: {names}")
            time.sleep(0.1)

    def sends_of(self, child: Child) -> int:
        """How many requests of a process the ERPs are serving now."""
        mine = _ports(child)
        served = []
        for erp in ERPS:
            with suppress(DemoError):
                served += self.control(erp).in_service()
        return sum(port in mine for port in served)


def send_signal(child: Child, number: signal.Signals) -> None:
    """Send a signal to a process and all it started; to nobody if it has ended."""
    if child.alive():
        with suppress(ProcessLookupError):
            os.killpg(int(child.announced["pid"]), number)


def _ports(child: Child) -> Sequence[int]:
    try:
        connections = psutil.Process(int(child.announced["pid"])).net_connections("tcp")
    except psutil.Error:
        return ()
    return [one.laddr.port for one in connections]
