"""All processes of a demo: two ERPs, channels, two gateways, two workers, one driver."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from loadtests.books import ERPS, Erp
from loadtests.channels.port import Source
from loadtests.demo.children import Child, stop
from loadtests.demo.control import Control
from loadtests.demo.folder import LEGACY_SESSIONS, Access, WorkFolder
from loadtests.demo.guard import Guard
from loadtests.demo.options import Options

GATEWAYS: Final = 2
WORKERS: Final = 2
OLD_ORDERS: Final = 20
#: A forgotten simulator goes away after so long, in s; a kept installation after a day.
ALONE_S: Final = 900
KEPT_S: Final = 86_000
#: Names of the gateway at the ERPs.
USER: Final = "GATEWAY"


def seed_of(seed: int, name: str) -> int:
    """A channel's own seed: two shops of one demo have different buyers."""
    return int.from_bytes(sha256(f"{seed}:{name}".encode()).digest()[:4], "big")


class Stage:
    """Starts, replaces and stops the processes; knows which of them ought to run."""

    #: A shipped scenario or the path of one.
    scenario = "callers"
    #: What runs a worker.
    worker_module: tuple[str, ...] = ("gateway", "work")

    def __init__(self, folder: WorkFolder, options: Options, guard: Guard) -> None:
        self._folder = folder
        self._options = options
        self._guard = guard
        self._secrets: dict[Erp, str] = {erp: secrets.token_urlsafe(18) for erp in ERPS}
        self._workers_made = 0
        self.erps: dict[Erp, Child] = {}
        self.gateways: list[Child] = []
        self.workers: list[Child] = []
        self.channels: dict[str, Child] = {}
        self.driver: Child | None = None

    # ------------------------------------------------------------------ start

    def start_erps(self) -> None:
        """Start both simulated ERPs; :meth:`erps_ready` waits for them."""
        for erp in ERPS:
            self.erps[erp] = self._child(f"simulated-{erp}", ["simulators", erp, *self._asked(erp)])
            self.erps[erp].start()

    def start_channels(self, sources: Sequence[Source]) -> None:
        """Start what simulates channels; :meth:`channels_ready` waits for them."""
        for source in sources:
            seed = seed_of(self._options.seed, source.name)
            command = [*source.command(seed), f"--max-seconds={self._lives_s}"]
            self.channels[source.name] = self._child(source.name, command)
            self.channels[source.name].start()

    def channels_ready(self) -> None:
        """Wait for the channels."""
        for child in self.channels.values():
            child.ready()

    def erps_ready(self) -> dict[Erp, Access]:
        """Wait for the ERPs; return how to reach them."""
        for child in self.erps.values():
            child.ready()
        return {erp: Access(self.erps[erp].url, USER, self._secrets[erp]) for erp in ERPS}

    def start_gateways_and_workers(self) -> None:
        """Start two of each, at once, and wait until all are ready."""
        for number in range(1, GATEWAYS + 1):
            name = f"gateway-{number}"
            self.gateways.append(self._child(name, ["gateway", "serve", "--port", "0"]))
        self.workers += [self._new_worker() for _ in range(WORKERS)]
        together = [*self.gateways, *self.workers]
        for child in together:
            child.start()
        for child in together:
            child.ready()

    def start_driver(self, today: date, overtime_s: float = 0.0, share: float = 1.0) -> Child:
        """Start the driver with its ``share`` of the rate; ``today`` is the last business day.

        It goes on for the duration asked for, and for ``overtime_s`` unless it is asked to stop.
        """
        asked, folder = self._options, self._folder
        arguments = ["loadtests", "run", self.scenario]
        for gateway in self.gateways:
            arguments += ["--gateway", gateway.url]
        arguments += ["--keys", str(folder.keys), "--journal", str(folder.journal)]
        arguments += ["--seed", str(asked.seed), "--rate", str(asked.rate_per_s * share)]
        arguments += ["--duration", str(asked.duration_s)]
        arguments += ["--longest", str(asked.duration_s + overtime_s)] if overtime_s else []
        arguments += ["--business-date", today.isoformat()]
        self.driver = self._child("driver", arguments, announces=False)
        self.driver.start()
        return self.driver

    # ------------------------------------------------------------------ while it runs

    def control(self, erp: Erp) -> Control:
        """The control API of an ERP."""
        return Control(self.erps[erp].url)

    def traffic_over(self) -> bool:
        """Whether the driver has ended."""
        return self.driver is not None and not self.driver.alive()

    def must_run(self) -> None:
        """Raise ChildError if a process ended that nobody killed."""
        everybody = (self.erps.values(), self.channels.values(), self.gateways, self.workers)
        for child in [child for group in everybody for child in group]:
            child.must_run()
        if self.driver is not None:
            # 1: something was refused or never answered, which is the audit's to judge.
            self.driver.finished(good=(0, 1))

    def kill_worker(self, which: int) -> Child:
        """``kill -9`` a worker, one that is ready if there is one; return it."""
        ready = [worker for worker in self.workers if worker.announced] or self.workers
        worker = ready[which % len(ready)]
        self.workers.remove(worker)
        worker.kill()
        return worker

    def add_worker(self) -> Child:
        """Start another worker; it is ready some time later."""
        worker = self._new_worker()
        self.workers.append(worker)
        worker.start()
        return worker

    def kill_gateway(self, which: int) -> Child:
        """``kill -9`` a gateway process and what it started; return it."""
        gateway = self.gateways.pop(which % len(self.gateways))
        gateway.kill()
        return gateway

    def replace_gateway(self, dead: Child) -> Child:
        """Start a gateway on the port of a dead one: channels go on calling it there.

        It is ready some time later.
        """
        port = str(urlsplit(dead.url).port)
        gateway = self._child(dead.name, ["gateway", "serve", "--port", port])
        self.gateways.append(gateway)
        gateway.start()
        return gateway

    # ------------------------------------------------------------------ end

    def stop(self) -> None:
        """Stop everything, in order: driver and channels, workers, gateways, ERPs."""
        for group in self._in_order():
            stop(group)

    def _in_order(self) -> list[Sequence[Child]]:
        driver = [self.driver] if self.driver is not None else []
        return [
            [*driver, *self.channels.values()],
            self.workers,
            self.gateways,
            list(self.erps.values()),
        ]

    def _new_worker(self) -> Child:
        self._workers_made += 1
        return self._child(f"worker-{self._workers_made}", self.worker_module)

    @property
    def _lives_s(self) -> float:
        """How long a simulator lives if it is forgotten."""
        asked = self._options
        return min(asked.duration_s + (KEPT_S if asked.keep_running else ALONE_S), 86_400)

    def _asked(self, erp: Erp) -> list[str]:
        asked = self._options
        shared = {
            "port": 0,
            "seed": asked.seed,
            "old-orders": OLD_ORDERS,
            # Cancellations are to meet orders that have shipped and others that have not.
            "ship-after-s": asked.duration_s / 4,
            "max-seconds": self._lives_s,
        }
        own: dict[Erp, dict[str, object]] = {
            "legacy": {
                "user": USER,
                "password": self._secrets["legacy"],
                "sessions": LEGACY_SESSIONS,
                "posting-interval-s": 2.0,
            },
            "cloud": {"client-id": USER, "client-secret": self._secrets["cloud"]},
        }
        return [f"--{name}={value}" for name, value in (shared | own[erp]).items()]

    def _child(self, name: str, module: Sequence[str], *, announces: bool = True) -> Child:
        folder, environment = self._folder.run, self._folder.environment
        return Child(name, module, folder, environment, self._guard, announces=announces)
