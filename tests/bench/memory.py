"""Memory: what a waiting order takes in the store, and whether processes grow with what passes.

Orders of 1 kB, no two alike, are accepted over HTTP while no worker runs: each waits with its
claim, its owner, its place in a lane, and its event, which no ledger has read yet. Repeats of them
then make up the rest of what passes the gateway. At last a worker delivers some of them to a
simulated ERP without limits. A process is *flat* if it ends as large as it was after a fifth of the
way: until then it fills its pools.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil
from redis import Redis

from gateway.canonical.process import Priority
from gateway.store.redis.keys import partition_keys
from tests.bench.accept import CONNECTIONS, order
from tests.bench.client import closed, post
from tests.bench.figure import Figure, at_most
from tests.bench.flip import rules_to
from tests.bench.installation import coexist, environment, gateways
from tests.bench.servers import Server, announced
from tests.processes import ROOT, spawned

BAR_BYTES = 2000
#: What a process may grow by from a fifth of the way to the end: pages that came and went.
BAR_GROWTH = 1.1
SLICE_S = 2.0

#: As a new installation has them.
PARTITIONS = 16

_NAMES = "Ada Bo Cleo Dan Eve Finn Gus Hana Ivo Jun Kim Lena Mika Nora Oleg Pia Quin Rosa Sam Tess"
_TOWNS = "Arnhem Breda Delft Ede Gouda Haarlem Leiden Meppel Nijmegen Sneek Utrecht Venlo Zwolle"
_CATALOGUE = ROOT / "simulators" / "data" / "catalogue.csv"


@dataclass(frozen=True)
class Sizes:
    """How many orders wait, how many requests pass the gateway, how many a worker delivers."""

    waiting: int
    accepted: int
    delivered: int


def run(quick: bool) -> list[Figure]:
    """Fill a store, pass requests through the gateway, deliver; measure on the way."""
    sizes = Sizes(3_000, 6_000, 400) if quick else Sizes(100_000, 1_000_000, 20_000)
    with ExitStack() as stack:
        settings = stack.enter_context(_unlimited_cloud())
        servers, keys, folder = stack.enter_context(gateways(1, **settings))
        url = (folder / "redis_url").read_text()
        rules_to(folder, "cloud")
        coexist(folder, url, "rules", "apply", str(folder / "rules-cloud"), "--by", "bench")
        figures = of_gateway(servers[0], keys["webshop"], url, sizes)
        command = [sys.executable, "-m", "gateway", "work", "--announce", str(folder / "work.json")]
        child = stack.enter_context(spawned(command, environment(folder, url, **settings)))
        announced(folder / "work.json", child)
        figures += _worker(child.pid, url, sizes)
    return figures


def of_gateway(server: Server, key: str, url: str, sizes: Sizes) -> list[Figure]:
    """Return what an order takes in the store, and what the gateway grew by."""
    bodies = _Bodies(server.url, key)
    worker = psutil.Process(server.pids[1])
    with Redis.from_url(url) as store:
        _pass(server, 500, bodies.new)
        before_bytes, before = _used_bytes(store), bodies.made
        _pass(server, sizes.waiting, bodies.new)
        count = bodies.made - before
        each_bytes = (_used_bytes(store) - before_bytes) / count
    passed, early_bytes = bodies.made, worker.memory_info().rss
    while passed < sizes.accepted:
        if passed < sizes.accepted / 5:
            early_bytes = worker.memory_info().rss
        passed += _pass(server, 1, bodies.again)
    size = f"with claim, owner, event; {count:,} orders of {bodies.mean_bytes:.0f} B"
    return [
        at_most("memory: a waiting order", each_bytes, "B", size, BAR_BYTES),
        *_flat("gateway", early_bytes, worker.memory_info().rss, f"{passed:,} requests"),
    ]


def _worker(pid: int, url: str, sizes: Sizes) -> list[Figure]:
    process = psutil.Process(pid)
    early_bytes = 0
    with Redis.from_url(url) as store:
        first = _waiting(store)
        if first < sizes.delivered:
            raise RuntimeError(f"only {first} orders wait in the lanes; {sizes.delivered} should")
        while (done := first - _waiting(store)) < sizes.delivered:
            if not process.is_running():
                raise RuntimeError("the worker ended")
            if not early_bytes and done >= sizes.delivered / 5:
                early_bytes = process.memory_info().rss
            time.sleep(0.2)
    return _flat("worker", early_bytes, process.memory_info().rss, f"{done:,} deliveries")


def _flat(name: str, early_bytes: int, late_bytes: int, over: str) -> list[Figure]:
    return [
        at_most(f"memory: growth of a {name}", late_bytes / early_bytes, "x", over, BAR_GROWTH),
        Figure(f"memory: a {name}", late_bytes / 2**20, "MiB"),
    ]


def _pass(server: Server, count: int, requests: Callable[[], bytes]) -> int:
    """Send at least ``count`` requests and return how many it were."""
    passed = 0
    while passed < count:
        load = closed(server.url, CONNECTIONS, SLICE_S if count > 500 else 0.5, requests)
        if set(load.statuses) != {202}:
            raise RuntimeError(f"the gateway answered {dict(load.statuses)}")
        passed += load.statuses[202]
    return passed


class _Bodies:
    """Requests with orders of 1 kB that have little more in common than orders have."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/v1/orders"
        self._headers = {"Authorization": f"Bearer {key}"}
        with _CATALOGUE.open() as file:
            self._skus = [row["sku"] for row in csv.DictReader(file)]
        self.made = 0
        self._again = 0
        self._bytes = 0

    @property
    def mean_bytes(self) -> float:
        """The mean length of a body."""
        return self._bytes / self.made

    def new(self) -> bytes:
        """Return the next order."""
        self.made += 1
        body = self._body(self.made)
        self._bytes += len(body)
        return post(self._url, body, self._headers)

    def again(self) -> bytes:
        """Return one that was sent before."""
        self._again = self._again % self.made + 1
        return post(self._url, self._body(self._again), self._headers)

    def _body(self, number: int) -> bytes:
        chance = Random(number)
        document: dict[str, Any] = order(f"M-{number:08}")
        name = f"{chance.choice(_NAMES.split())} {chance.choice(_NAMES.split())}{number % 997}"
        reference = f"C-{chance.randrange(10**8):08}"
        document["ordered_at"] = "2026-11-20T10:00:00Z"
        email = f"{reference}@example.com"
        document["customer"] = {"ref": reference, "name": name, "email": email}
        document["ship_to"] |= {
            "name": name,
            "street": f"{chance.choice(_TOWNS.split())}straat {chance.randrange(400)}",
            "city": chance.choice(_TOWNS.split()),
            "postal_code": f"{chance.randrange(1000, 9999)} {chr(65 + number % 26)}B",
        }  # fmt: skip
        cents = 495
        for line in document["lines"]:
            price, quantity = chance.randrange(495, 19995), chance.randrange(1, 4)
            cents += price * quantity
            line |= {
                "sku": chance.choice(self._skus), "quantity": quantity,
                "unit_price": f"{price / 100:.2f}",
                "tax": f"{price * quantity * 21 // 121 / 100:.2f}",
            }  # fmt: skip
        document["total"] = f"{cents // 100}.{cents % 100:02}"
        return json.dumps(document).encode()


def _used_bytes(store: Redis) -> int:
    return int(store.info("memory")["used_memory"])


def _waiting(store: Redis) -> int:
    """Count the orders in the lanes of the cloud ERP."""
    lane = f"l:cloud:{Priority.HIGH}:webshop"
    lanes = [f"{part.prefix}{lane}" for part in partition_keys(PARTITIONS)]
    return sum(int(store.zcard(lane)) for lane in lanes)


@contextmanager
def _unlimited_cloud() -> Iterator[dict[str, str]]:
    """A simulated ERP that takes all it is sent; yields the settings that use it so."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = [sys.executable, "-m", "simulators", "cloud", "--announce", str(folder / "it")]
        command += ["--port", "0", "--limit", "1000000", "--concurrency", "100", "--queue", "1000"]
        command += ["--latency-ms-min", "0", "--latency-ms-max", "1", "--max-seconds", "20000"]
        child = stack.enter_context(spawned(command, {"PYTHONPATH": str(ROOT)}))
        yield {
            "COEXIST_ERPS__CLOUD__URL": str(announced(folder / "it", child)["url"]),
            "COEXIST_ERPS__CLOUD__QUOTA__CONCURRENT_MAX": "32",
            "COEXIST_ERPS__CLOUD__QUOTA__PROFILE": "custom",
        }
