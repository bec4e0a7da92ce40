"""The published limits of one API user: requests per sliding window, and places with a queue."""

from __future__ import annotations

import asyncio
from collections import deque


class SlidingWindow:
    """At most `limit` requests in any half-open span of `window_s`; exact, not by buckets.

    Only admitted requests count: whether the real one counts refused ones is not published.
    """

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._seen: deque[float] = deque()

    def __len__(self) -> int:
        """Requests in the window as of the last `admit`."""
        return len(self._seen)

    def admit(self, now_s: float) -> float | None:
        """None if the request is admitted (and counted), else the seconds until one would be."""
        while self._seen and self._seen[0] <= now_s - self._window_s:
            self._seen.popleft()
        if len(self._seen) >= self._limit:
            return self._seen[0] + self._window_s - now_s
        self._seen.append(now_s)
        return None


class Served:
    """When admitted requests arrived, began and ended in service: the last so many of them."""

    def __init__(self, most: int = 50_000) -> None:
        self._rows: deque[list[float]] = deque(maxlen=most)

    def arrived(self, now_s: float) -> list[float]:
        """Note an admitted request; the row that is returned takes its begin and end."""
        row = [now_s]
        self._rows.append(row)
        return row

    def as_json(self) -> list[list[float]]:
        """`[arrived, began, ended]` in monotonic seconds; what has not happened yet is missing."""
        return list(self._rows)


class QueueFull(Exception):
    """All places are taken and as many requests wait as may."""


class Places:
    """So many requests in service at once; further ones wait in line, first come first served."""

    def __init__(self, places: int, queue: int) -> None:
        self._places = places
        self._queue = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.busy = 0

    @property
    def full(self) -> bool:
        """Whether a further request could not even wait."""
        return self.busy >= self._places and len(self._waiting) >= self._queue

    @property
    def free(self) -> bool:
        """Whether a further request need not wait."""
        return self.busy < self._places

    async def enter(self, wait_s: float) -> None:
        """Take a place, if need be wait. Raises `QueueFull`, or `TimeoutError` after `wait_s`."""
        if self.full:
            raise QueueFull
        if self.free:
            self.busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(wait_s):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place came in the very moment of giving up: pass it on
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place to the next in line, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1
