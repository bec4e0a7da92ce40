"""Delivery overhead: one worker against an ERP without limits, beside arq doing the same call.

Both post an order of five lines to the same simulated endpoint, which answers at once, with 32
calls at once. Ours reads the object's head, counts the take, records the attempt durably, builds
the document from the canonical order, sends, settles, and projects every event into SQLite; arq
pops a job, sends, and keeps a result. The simulator shares the machine, so rates are of the two
together; CPU is of the worker's process alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import run as command

import httpx
import psutil

from tests.bench.figure import Figure
from tests.bench.installation import environment, gateways
from tests.bench.quota import Setting, accepted, erp_of
from tests.bench.servers import peer_python, valkey
from tests.processes import spawned

PEERS = ("arq==0.28.0", "aiohttp==3.13.2")
ENDLESS = Setting("endless", 1_000_000, 1.0, (0, 0), 0)


@dataclass
class Side:
    """One worker's run."""

    calls: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.calls / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU of the worker per delivery."""
        return self.cpu_s / self.calls * 1e6


def run(quick: bool) -> list[Figure]:
    """Deliver with both."""
    calls = 1000 if quick else 6000
    ours, arq = _ours(calls), _arq(calls)
    return [
        Figure("delivery: rate", ours.rate / arq.rate, "x", "arq, the same call"),
        Figure("delivery: CPU", ours.cpu_us / arq.cpu_us, "x", "arq, the same call"),
        Figure("delivery: deliveries", ours.rate, "/s"),
        Figure("delivery: CPU of the worker", ours.cpu_us, "µs/delivery"),
        Figure("arq: deliveries", arq.rate, "/s"),
        Figure("arq: CPU of the worker", arq.cpu_us, "µs/delivery"),
    ]


def _ours(calls: int) -> Side:
    with ExitStack() as stack:
        erp = stack.enter_context(erp_of(ENDLESS, places=1000))
        free = {
            "COEXIST_ERPS__CLOUD__URL": erp,
            "COEXIST_ERPS__CLOUD__QUOTA__PROFILE": "custom",
            "COEXIST_ERPS__CLOUD__QUOTA__CONCURRENT_MAX": "32",
        }
        servers, keys, folder = stack.enter_context(gateways(1, **free))
        redis_url = (folder / "redis_url").read_text()
        os.environ.update(environment(folder, redis_url, **free))
        asyncio.run(accepted(servers[0].url, keys["webshop"], folder, calls))
        announce = folder / "worker.json"
        work = [sys.executable, "-m", "gateway", "work", "--announce", str(announce)]
        child = stack.enter_context(spawned(work, environment(folder, redis_url, **free)))
        return _measured(erp, child.pid, calls)


def _arq(calls: int) -> Side:
    python = peer_python("delivery", PEERS)
    with ExitStack() as stack:
        erp = stack.enter_context(erp_of(ENDLESS, places=1000))
        url, _ = stack.enter_context(valkey())
        given = {"BENCH_REDIS_URL": url, "BENCH_ERP": erp}
        script = Path(__file__).parent / "peers" / "delivering.py"
        command([python, str(script), str(calls)], env={**os.environ, **given}, check=True)
        work = [python, "-m", "arq", "tests.bench.peers.delivering.WorkerSettings"]
        child = stack.enter_context(spawned(work, given))
        return _measured(erp, child.pid, calls)


def _measured(erp: str, pid: int, calls: int) -> Side:
    """Wait until the ERP has served all; measure from a fifth of them on."""
    with httpx.Client(base_url=erp, timeout=30) as client:
        process, until_s = psutil.Process(pid), time.monotonic() + 300
        begun: tuple[int, float, float] | None = None
        while time.monotonic() < until_s:
            served = client.get("/control/counters").json()["booked"]
            now_s, cpu_s = time.monotonic(), sum(process.cpu_times()[:2])
            if begun is None and served >= calls // 5:
                begun = served, now_s, cpu_s
            if begun is not None and served >= calls * 0.95:
                return Side(served - begun[0], now_s - begun[1], cpu_s - begun[2])
            time.sleep(0.05)
    raise RuntimeError(f"not delivered: {served} of {calls}")
