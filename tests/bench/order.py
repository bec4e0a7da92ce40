"""Order costs little: all messages on objects of their own, or a tenth of them on one hot object.

Messages of one object leave one at a time, so a hot object is as fast as one call after the other:
its tenth keeps up if a call and what the worker does around it take less than ten calls' share of
the rate. Twice: with the places and times of a Business Central, where the ERP is the limit, and
with places enough that one worker's CPU is, and its own work stands in the hot object's way. Both
sides deliver the same number of orders to the same simulated ERP, turn and turn about.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from gateway.canonical.process import Priority
from tests.bench.figure import Figure, at_least
from tests.bench.lane import Bench, bench
from tests.bench.quota import Setting

#: What takes longer is no drain but a fault.
DRAINED_S_MAX = 600.0


@dataclass(frozen=True, slots=True)
class Hall:
    """An ERP: how many calls it takes at once, and how long it serves."""

    setting: Setting
    places: int
    messages: int


BUSINESS_CENTRAL = Hall(Setting("bc", 1_000_000, 60.0, (20, 80), 0), 5, 1000)
WIDE = Hall(Setting("wide", 1_000_000, 60.0, (5, 15), 0), 32, 3000)


def run(quick: bool) -> list[Figure]:
    """Drain both sides in turns, at both ERPs."""
    rounds = 1 if quick else 3
    spread, hot = asyncio.run(_run(BUSINESS_CENTRAL, rounds, 100 if quick else 0))
    found = [
        at_least("order: rate with a tenth on one object", hot / spread, "x", "on their own", 0.9),
        Figure("order: all on their own", spread, "/s"),
        Figure("order: a tenth on one object", hot, "/s"),
    ]
    spread, hot = asyncio.run(_run(WIDE, rounds, 200 if quick else 0))
    return [
        *found,
        Figure("order, worker-bound: a tenth on one object", hot / spread, "x", "on their own"),
        Figure("order, worker-bound: all on their own", spread, "/s"),
    ]


async def _run(hall: Hall, rounds: int, messages: int) -> tuple[float, float]:
    """Return the median rates, spread and with a hot object."""
    messages = messages or hall.messages
    spread, hot = [], []
    async with bench(hall.setting, hall.places) as it:
        await _drained(it, hall.places)
        for n in range(rounds):
            spread.append(await _rate(it, hall.places, f"S{n}", messages, 0))
            hot.append(await _rate(it, hall.places, f"H{n}", messages, messages // 10))
    return statistics.median(spread), statistics.median(hot)


async def _rate(it: Bench, places: int, prefix: str, messages: int, hot: int) -> float:
    await it.fill(f"{prefix}-HOT", hot, Priority.HIGH, about=f"{prefix}-HOT")
    await it.fill(prefix, messages - hot, Priority.HIGH)
    began_s = time.monotonic()
    await _drained(it, places)
    return messages / (time.monotonic() - began_s)


async def _drained(it: Bench, places: int) -> None:
    async with it.working(places), asyncio.timeout(DRAINED_S_MAX):
        while sum((await it.parts.backlog.read()).waiting):  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.05)
