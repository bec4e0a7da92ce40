"""Order costs little: all messages on objects of their own, or a tenth of them on one hot object.

Messages of one object leave one at a time, so a hot object is as fast as one call after the other.
Both sides deliver the same number of orders to the same simulated ERP, turn and turn about.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from gateway.canonical.process import Priority
from tests.bench.figure import Figure, at_least
from tests.bench.lane import Bench, bench
from tests.bench.quota import Setting

PLACES = 32
#: What takes longer is no drain but a fault.
DRAINED_S_MAX = 600.0
SOON = Setting("soon", 1_000_000, 60.0, (5, 15), 0)


def run(quick: bool) -> list[Figure]:
    """Drain both sides in turns."""
    messages, rounds = (200, 1) if quick else (3000, 3)
    return asyncio.run(_run(messages, rounds))


async def _run(messages: int, rounds: int) -> list[Figure]:
    spread, hot = [], []
    async with bench(SOON, PLACES) as it:
        await _drained(it)
        for n in range(rounds):
            spread.append(await _rate(it, f"S{n}", messages, 0))
            hot.append(await _rate(it, f"H{n}", messages, messages // 10))
    ratio = statistics.median(hot) / statistics.median(spread)
    return [
        at_least("order: rate with a tenth on one object", ratio, "x", "all on their own", 0.9),
        Figure("order: all on their own", statistics.median(spread), "/s"),
        Figure("order: a tenth on one object", statistics.median(hot), "/s"),
    ]


async def _rate(it: Bench, prefix: str, messages: int, hot: int) -> float:
    await it.fill(f"{prefix}-HOT", hot, Priority.HIGH, about=f"{prefix}-HOT")
    await it.fill(prefix, messages - hot, Priority.HIGH)
    began_s = time.monotonic()
    await _drained(it)
    return messages / (time.monotonic() - began_s)


async def _drained(it: Bench) -> None:
    async with it.working(PLACES), asyncio.timeout(DRAINED_S_MAX):
        while sum((await it.parts.backlog.read()).waiting):  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.05)
