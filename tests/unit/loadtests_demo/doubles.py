"""A stage and a gateway that only remember what was asked of them, and a clock that obeys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.books import ERPS, Erp
from loadtests.demo.children import Child
from loadtests.demo.control import Control
from loadtests.demo.errors import CommandError, DemoError
from loadtests.demo.folder import WorkFolder
from loadtests.demo.gateway import Compared, Gateway, Marker
from loadtests.demo.guard import Guard
from loadtests.demo.options import Options
from loadtests.demo.stage import Stage

COUNTERS = (
    "booked", "booked_unheard", "pending_late_bookings", "pending_postings",
    "throttled_429", "throttled_503",
)  # fmt: skip


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


class SaidControl(Control):
    """Remembers which faults were switched on, and counts as it is told."""

    def __init__(self, erp: Erp, time: Time) -> None:
        super().__init__("http://127.0.0.1:1")
        self.erp = erp
        self.time = time
        self.faulty: list[tuple[float, str, Mapping[str, Any]]] = []
        self.counted = dict.fromkeys(COUNTERS, 0)
        self.healed = False
        self.silent = False
        self.serving = 2

    def counters(self) -> dict[str, int]:
        if self.silent:
            raise DemoError("was not answered")
        return dict(self.counted)

    def faults(self) -> dict[str, Any]:
        return {name: parameters for _, name, parameters in self.faulty}

    def in_service(self) -> list[int]:
        return [1] * self.serving

    def switch_on(self, name: str, parameters: Mapping[str, Any]) -> None:
        self.faulty.append((self.time.now, name, dict(parameters)))

    def heal(self) -> None:
        self.healed = True


class SaidChild(Child):
    """Is ready when the third asks."""

    asked = 0

    def is_ready(self) -> bool:
        self.asked += 1
        return self.asked > 2


class SaidStage(Stage):
    """Kills nothing. ``unheard``: how many sends each killed worker had under way."""

    def __init__(self, time: Time, unheard: list[int], guard: Guard) -> None:
        folder = WorkFolder(Path("nowhere"), temporary=True)
        super().__init__(folder, Options(), guard)
        self.time = time
        self.controls: dict[Erp, SaidControl] = {erp: SaidControl(erp, time) for erp in ERPS}
        self.unheard = unheard
        self.killed: list[str] = []
        self.over = False
        self.gateways = [self._named("gateway-1"), self._named("gateway-2")]
        self.workers = [self._named("worker-1"), self._named("worker-2")]

    def _named(self, name: str) -> Child:
        return SaidChild(name, [], Path("nowhere"), {}, self._guard)

    def control(self, erp: Erp) -> Control:
        return self.controls[erp]

    def must_run(self) -> None:
        assert self.time.now < 9000, "waits without a bound"

    def traffic_over(self) -> bool:
        return self.over

    def kill_worker(self, which: int) -> Child:
        worker = self.workers.pop(which % len(self.workers))
        self.killed.append(worker.name)
        self.controls["cloud"].counted["booked_unheard"] += self.unheard.pop(0)
        return worker

    def add_worker(self) -> Child:
        worker = self._named(f"worker-{2 + len(self.killed)}")
        self.workers.append(worker)
        return worker

    def kill_gateway(self, which: int) -> Child:
        gateway = self.gateways.pop(which)
        gateway.announced = {"url": "http://127.0.0.1:2"}
        self.killed.append(gateway.name)
        return gateway

    def replace_gateway(self, dead: Child) -> Child:
        self.gateways.append(dead)
        return dead


class SaidGateway(Gateway):
    """Flips take ``takes_s``; ``refuses`` has them fail. ``backlogs`` are said one by one."""

    def __init__(self, time: Time, takes_s: float = 1.0) -> None:
        super().__init__({})
        self.time = time
        self.takes_s = takes_s
        self.refuses = False
        self.flips: list[tuple[float, str]] = []
        self.backlogs: list[dict[str, int]] = []
        self.approvals: list[str] = []
        self.due = (0.0, "")
        self.suspends = False
        #: Seconds of commands that came too late.
        self.late: list[float] = []

    def apply(self, rules: Path, note: str) -> Marker:
        return self._said(rules.name)

    def rollback(self, note: str) -> Marker:
        return self._said("back")

    def approved(self, rules: Path, note: str) -> None:
        self.approvals.append(rules.name)

    def schedule(self, rules: Path, at: datetime, note: str) -> str:
        if self.late:
            self.time.sleep(self.late.pop())
            raise CommandError("--at 2026-11-21T12:00:00: has passed")
        self.due = (self.time.now + (at - datetime.now(UTC)).total_seconds(), rules.name)
        return "s-1"

    def scheduled(self, schedule_id: str) -> tuple[str, str, Marker]:
        assert schedule_id == "s-1"
        if self.suspends:
            return "suspended", "a freeze", Marker(0, "")
        if self.time.now < self.due[0]:
            return "scheduled", "", Marker(0, "")
        return "done", "", self._said(self.due[1])

    def compared(self) -> list[Compared]:
        return [Compared("order.intake", 5, 1), Compared("inventory.availability", 3, 0)]

    def preview(self) -> list[str]:
        return ["stays in the cloud ERP: 3 object(s)"]

    def status(self) -> dict[str, Any]:
        backlog = self.backlogs.pop(0) if len(self.backlogs) > 1 else self.backlogs[0]
        return {"backlog": backlog}

    def _said(self, what: str) -> Marker:
        if self.refuses:
            raise CommandError("coexist rules apply ended with exit code 1:\na flip is open")
        self.flips.append((self.time.now, what))
        self.time.sleep(self.takes_s)
        return Marker(len(self.flips), f"version-{len(self.flips)}")
