"""Errands: what others are asked in the background, so that nobody waits with a message in hand.

The sentence the code follows: *the first who wants to know has it asked, whoever else wants the
same waits for that answer, nobody longer than a moment; the answer is kept for who comes back.*
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from gateway.canonical.outcome import Delayed
from gateway.clock import Clock

T = TypeVar("T")

#: How long somebody waits for an answer before the message is put back: about what a quick call
#: takes, and little beside the permit that waits unused meanwhile.
PATIENCE_S: Final = 0.1
#: Errands under way at once.
OPEN_MAX: Final = 64
#: Answers kept, the least lately used leave first; and for how long (s).
KEPT_MAX: Final = 20_000
KEPT_S: Final = 900.0


class Errands(Generic[T]):
    """Asks each question once at a time. Delays are never kept: the next one asks again."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._open: dict[str, asyncio.Task[T | Delayed]] = {}

    async def answer(self, key: str, ask: Callable[[], Awaitable[T | Delayed]]) -> T | Delayed:
        """Return what is known, or what is answered within a moment, else a delay."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock.monotonic_s():
            self._kept.move_to_end(key)
            return kept[1]
        task = self._open.get(key)
        if task is None:
            if len(self._open) >= OPEN_MAX:
                return Delayed(f"{self._what}: {OPEN_MAX} are being asked for already")
            task = self._open[key] = asyncio.create_task(self._run(key, ask))
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
        return task.result() if done else Delayed(f"{self._what}: asked, no answer yet")

    def forget(self, key: str) -> None:
        """Keep an answer no longer: somebody may put right what it said."""
        self._kept.pop(key, None)

    async def close(self) -> None:
        """Drop what is under way: what it was for asks again."""
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: str, ask: Callable[[], Awaitable[T | Delayed]]) -> T | Delayed:
        try:
            answer = await ask()
        finally:
            del self._open[key]
        if not isinstance(answer, Delayed):
            self._kept[key] = (self._clock.monotonic_s() + KEPT_S, answer)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return answer
