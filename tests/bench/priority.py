"""Priority: how long a critical message waits, with nothing and with a million before it.

One worker, an ERP with five places that are always taken. The wait is from acceptance to the
recorded attempt, both by the store's clock. Critical messages come at random moments, at a tenth of
what the ERP can take.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from random import Random

from gateway.canonical.envelope import partition_of_transaction
from gateway.canonical.process import Priority
from tests.bench.figure import Figure, at_most
from tests.bench.lane import Bench, bench
from tests.bench.quota import Setting

PLACES = 5
SATURATED = Setting("saturated", 1_000_000, 60.0, (60, 100), 0)


def run(quick: bool) -> list[Figure]:
    """Measure both, on one installation."""
    backlog, messages = (2_000, 25) if quick else (1_000_000, 300)
    return asyncio.run(_run(backlog, messages))


async def _run(backlog: int, messages: int) -> list[Figure]:
    async with bench(SATURATED, PLACES) as it:
        async with it.working(32), asyncio.timeout(60):
            while (await it.parts.backlog.read()).cloud:  # noqa: ASYNC110 -- the first orders
                await asyncio.sleep(0.2)
        async with it.working(32):
            empty = await _waits(it, "E", messages)
        began_s = time.monotonic()
        await it.fill("LOW", backlog, Priority.LOW)
        loaded_s = time.monotonic() - began_s
        async with it.working(32):
            await asyncio.sleep(2)  # all places are taken
            full = await _waits(it, "F", messages)
        left = (await it.parts.backlog.read()).waiting[Priority.LOW]
    against = f"{messages} messages, empty backlog; {left:,} low ones still waiting at the end"
    return [
        at_most("priority: p99 wait of critical", _p99(full) / _p99(empty), "x", against, 1.5),
        Figure("priority: p99, empty backlog", _p99(empty), "ms"),
        Figure("priority: p99, backlog", _p99(full), "ms"),
        Figure("priority: median, empty backlog", statistics.median(empty), "ms"),
        Figure("priority: median, backlog", statistics.median(full), "ms"),
        Figure("priority: backlog accepted", backlog / loaded_s, "/s"),
    ]


async def _waits(it: Bench, prefix: str, messages: int) -> list[int]:
    chance, taken = Random(7), {}
    for n in range(messages):
        answer = await it.put(f"{prefix}-{n}", Priority.CRITICAL)
        taken[answer.transaction_id] = answer.accepted_ms
        await asyncio.sleep(0.16 * (0.5 + chance.random()))
    begun: dict[str, int] = {}
    for _ in range(300):
        await asyncio.sleep(0.1)
        for transaction_id in taken.keys() - begun.keys():
            partition = partition_of_transaction(transaction_id)
            since = f"{taken[transaction_id] - 1}-0"
            for event in await it.parts.feed.events(partition, since, 5000):
                if event.kind == "attempted" and event.transaction_id in taken:
                    begun.setdefault(event.transaction_id, event.at_ms)
        if len(begun) == len(taken):
            return [begun[key] - taken[key] for key in taken]
    raise RuntimeError(f"{len(taken) - len(begun)} critical messages were not sent")


def _p99(waits: list[int]) -> float:
    return max(1.0, statistics.quantiles(waits, n=100)[98])
