"""Quota use: a backlog drained by four workers, against what the limits allow.

The cloud simulator counts as published (Business Central: a sliding window, five in service, a
queue of 95) with the window scaled from 300 s to 15 s. It notes when each admitted request arrived,
began and ended. *Allowed* is the time that one scheduler who knows everything would need for the
same calls with the same times in service: each begins as soon as a place is free and the call
before it by the window's limit is a window old. Use is that time over the time it took, both after
the first quarter of the calls, while which workers were still starting.

Beside it, in the rate-bound setting: pyrate-limiter 3 with its Redis bucket, and sending until a
429 with backoff and jitter; both as four processes over a shared list, two calls at once each.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from redis import Redis

from gateway.flow.publish import Publisher
from gateway.settings import load
from gateway.wiring import opened
from tests.bench.accept import order
from tests.bench.figure import Figure, at_least, at_most
from tests.bench.flip import rules_to
from tests.bench.installation import environment, gateways
from tests.bench.servers import announced, peer_python, valkey
from tests.processes import spawned

WORKERS = 4
PLACES = 5
BOUND = "what the limits allow"
PEERS = ("pyrate-limiter==3.9.0", "aiohttp==3.13.2", "redis==7.1.0")


@dataclass(frozen=True)
class Setting:
    """Limits of the ERP, how long it serves (ms, at random in between), how much is to be done."""

    name: str
    limit: int
    window_s: float
    serves_ms: tuple[int, int]
    calls: int
    slow_ms: tuple[int, int] | None = None  #: every other few seconds


@dataclass
class Run:
    """What the ERP saw."""

    rows: list[list[float]]
    refused: int

    def use(self, setting: Setting) -> float:
        """The time that was needed at least, over the time it took."""
        rows = sorted(row for row in self.rows if len(row) == 3)
        warm = len(rows) // 4
        places = [0.0] * PLACES
        arrivals: list[float] = []
        end = 0.0
        for n, (arrived, began, ended) in enumerate(rows):
            free = heapq.heappop(places)
            if n < warm:
                free = max(free, arrived)
            if n >= setting.limit:
                free = max(free, arrivals[n - setting.limit] + setting.window_s)
            arrivals.append(free)
            end = max(end, free + ended - began)
            heapq.heappush(places, free + ended - began)
        start = rows[warm][0]
        return (end - start) / (max(row[2] for row in rows) - start)


def run(quick: bool) -> list[Figure]:
    """Drain all settings, then the peers."""
    limit, window_s = (100, 5.0) if quick else (300, 15.0)
    calls = round(limit * (2.3 if quick else 3.3))
    settings = [
        Setting("rate-bound", limit, window_s, (20, 80), calls),
        Setting("concurrency-bound", limit, window_s, (250, 450), calls // 2),
        Setting("mixed", limit, window_s, (20, 80), calls, slow_ms=(250, 450)),
    ]
    figures = [figure for setting in settings for figure in drained(setting)]
    if not quick:
        for peer in ("pyrate", "backoff"):
            other = _peer(peer, settings[0])
            figures += [
                Figure(f"quota: {peer}, rate-bound", other.use(settings[0]), "x", BOUND),
                Figure(f"quota: {peer}, 429s", other.refused, "", f"{settings[0].calls} calls"),
            ]
    return figures


def drained(setting: Setting) -> list[Figure]:
    """Drain one setting, and say how much of what the limits allow was used."""
    ours = _ours(setting)
    return [
        at_least(f"quota: {setting.name}", ours.use(setting), "x", BOUND, 0.99),
        at_most(f"quota: {setting.name}, 429s", ours.refused, "", f"{setting.calls} calls", 0),
    ]


@contextmanager
def erp_of(setting: Setting, places: int = PLACES) -> Iterator[str]:
    """The cloud simulator with these limits; yields its address."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        announce = folder / "cloud.json"
        low, high = setting.serves_ms
        command = [sys.executable, "-m", "simulators", "cloud", "--port", "0"]
        command += ["--announce", str(announce), "--max-seconds", "1200", "--limit"]
        command += [str(setting.limit), "--window-s", str(setting.window_s)]
        command += ["--concurrency", str(places)]
        command += ["--latency-ms-min", str(low), "--latency-ms-max", str(high)]
        child = stack.enter_context(spawned(command, {"PYTHONPATH": str(Path.cwd())}))
        yield str(announced(announce, child)["url"])


def _ours(setting: Setting) -> Run:
    with ExitStack() as stack:
        erp = stack.enter_context(erp_of(setting))
        limits = {
            "COEXIST_ERPS__CLOUD__URL": erp,
            "COEXIST_ERPS__CLOUD__QUOTA__CALLS_MAX": str(setting.limit),
            "COEXIST_ERPS__CLOUD__QUOTA__WINDOW_S": str(setting.window_s),
            "COEXIST_ERPS__CLOUD__QUOTA__CONCURRENT_MAX": str(PLACES),
            # The network is this machine; at the default of 100 ms a scaled window would lose 0.7 %
            # to a bound that costs 0.03 % of a real one.
            "COEXIST_ERPS__CLOUD__QUOTA__NETWORK_MS": "50" if setting.window_s < 60 else "100",
        }
        servers, keys, folder = stack.enter_context(gateways(1, **limits))
        redis_url = (folder / "redis_url").read_text()
        for name, value in environment(folder, redis_url, **limits).items():
            os.environ[name] = value
        asyncio.run(accepted(servers[0].url, keys["webshop"], folder, setting.calls))
        for n in range(WORKERS):
            announce = folder / f"worker-{n}.json"
            command = [sys.executable, "-m", "gateway", "work", "--announce", str(announce)]
            stack.enter_context(spawned(command, environment(folder, redis_url, **limits)))
        return _drained(erp, setting)


async def accepted(url: str, key: str, folder: Path, calls: int) -> None:
    """Let the gateway take orders for the cloud, all on objects of their own."""
    settings = load()
    async with opened(settings) as parts:
        publisher = Publisher(
            parts.book, parts.ledger, parts.clock, settings.partitions, settings.rule_lease_ms
        )
        await publisher.apply(rules_to(folder, "cloud"), "bench", "all to the cloud")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        for first in range(0, calls, 50):
            answers = await asyncio.gather(
                *(client.post("/v1/orders", json=_order(first + n)) for n in range(50))
            )
            if {it.status_code for it in answers} != {202}:
                raise RuntimeError(answers[0].text)


def _order(number: int) -> dict[str, object]:
    made = json.dumps(order(f"QUOTA-{number}"))
    for line, sku in enumerate(("TEE-BLK-S", "TEE-BLK-M", "TEE-BLK-L", "TEE-WHT-S", "TEE-BLK-S")):
        made = made.replace(f"BENCH-SKU-{line + 1}", sku)
    body: dict[str, object] = json.loads(made)
    return body


def _drained(erp: str, setting: Setting) -> Run:
    """Wait for the calls; in the mixed setting let the ERP be slow every other few seconds."""
    with httpx.Client(base_url=erp, timeout=30) as client:
        slow, until_s = False, time.monotonic() + 1000
        turn_s = setting.window_s / 3
        turned_s = time.monotonic()
        while time.monotonic() < until_s:
            time.sleep(0.25)
            rows = client.get("/control/served").json()["requests"]
            if sum(len(row) == 3 for row in rows) >= setting.calls:
                counters = client.get("/control/counters").json()
                return Run(rows[: setting.calls], counters["throttled_429"])
            if setting.slow_ms and rows and time.monotonic() - turned_s > turn_s:
                slow, turned_s = not slow, time.monotonic()
                low, high = setting.slow_ms if slow else setting.serves_ms
                given = {"latency_ms_min": low, "latency_ms_max": high}
                client.put("/control/settings", json=given).raise_for_status()
    raise RuntimeError(f"{setting.name}: not drained, {len(rows)} of {setting.calls} calls")


def _peer(name: str, setting: Setting) -> Run:
    python = peer_python("quota", PEERS)
    with ExitStack() as stack:
        erp = stack.enter_context(erp_of(setting))
        url, _ = stack.enter_context(valkey())
        with Redis.from_url(url) as redis:
            redis.rpush("orders", *range(setting.calls * 2))
        script = Path(__file__).parent / "peers" / "limited.py"
        given = {
            "BENCH_REDIS_URL": url, "BENCH_ERP": erp, "BENCH_LIMIT": str(setting.limit),
            "BENCH_WINDOW_S": str(setting.window_s), "BENCH_HOW": name,
        }  # fmt: skip
        for _ in range(WORKERS):
            stack.enter_context(spawned([python, str(script)], given))
        return _drained(erp, setting)
