"""What every simulated channel stands on: faults, counters, books and the control API's view of it.

A channel sells: buyers come by the control API or at a rate, and what they did is entered in the
channel's own books, which an audit compares with the books of the ERPs.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Generic, TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware

from simulators.clock import Clock
from simulators.counters import Counters
from simulators.faults import FaultKind, Faults
from simulators.options import ServerOptions

OptionsT = TypeVar("OptionsT", bound=ServerOptions)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_BYTES_MAX = 4 * 1024 * 1024
CONTROL = "/control/"

#: Faults every channel has besides its own.
COMMON_KINDS: Mapping[str, FaultKind] = {
    "latency": FaultKind(500, (), "a request takes delay_ms longer"),
    "throttle": FaultKind(0, (), "a request is answered as if the rate limit were used up"),
    "outage": FaultKind(
        0, ("abort", "503"), "after delay_ms the connection is aborted, or answered 503"
    ),
}
COMMON_COUNTERS = (
    "requests",  # business requests, whatever became of them
    "unauthorized_401",  # no credential, or a wrong one
    "throttled_429",  # refused by a rate limit, or by the throttle fault
    "throttle_faults",  # those of them that the fault made
    "latency_faults",  # requests the latency fault slowed
    "outage_refusals",  # connections aborted or answered 503 by the outage fault
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a buyer or clerk did, as the channel's books keep it; ``values`` are JSON values."""

    sequence: int
    kind: str
    values: Mapping[str, object]
    at: datetime

    def as_json(self) -> dict[str, object]:
        """The entry of `GET /control/books`."""
        at = self.at.isoformat()
        return {"sequence": self.sequence, "kind": self.kind, "at": at, **self.values}


class ChannelBooks:
    """Everything that was sold, changed, cancelled and refunded, in the order it happened."""

    def __init__(self, clock: Clock) -> None:
        self.seeded: list[Entry] = []
        self._clock = clock
        self._entries: list[Entry] = []

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest entry, 0 when there is none."""
        return len(self._entries)

    def enter(self, kind: str, **values: object) -> Entry:
        """Add an entry."""
        entry = Entry(self.last_sequence + 1, kind, values, self._clock.now())
        self._entries.append(entry)
        return entry

    def since(self, after: int, limit: int = sys.maxsize) -> list[Entry]:
        """At most `limit` entries with a sequence above `after`, in order."""
        start = max(after, 0)
        return self._entries[start : start + limit]


class Channel(Generic[OptionsT]):
    """One simulated channel: its web application, its books, its faults.

    `options` is replaced when a setting changes; whoever waits on a setting listens on
    `settings_changed`.
    """

    def __init__(
        self,
        system: str,
        options: OptionsT,
        clock: Clock,
        kinds: Mapping[str, FaultKind],
        counters: Iterable[str],
    ) -> None:
        self.system = system
        self.options = options
        self.clock = clock
        self.counters = Counters((*COMMON_COUNTERS, *counters))
        self.faults = Faults(clock, options.seed, {**COMMON_KINDS, **kinds})
        self.books = ChannelBooks(clock)
        self.settings_changed = asyncio.Event()
        self._latency = self.chance("latency")
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = web.Application(middlewares=[_front(self)], client_max_size=BODY_BYTES_MAX)
        self.app.on_cleanup.append(self._stop)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.system} channel"

    def chance(self, purpose: str) -> Random:
        """A stream of chance of its own, so that one use does not disturb another."""
        return Random(f"{self.options.seed}/{self.system}/{purpose}")

    def change(self, values: dict[str, object]) -> None:
        """Change live settings. Raises `OptionError` and changes nothing."""
        self.options = self.options.changed(values)
        self.settings_changed.set()

    async def work(self) -> None:
        """Take as long as a request takes."""
        delay_ms = self._latency.uniform(self.options.latency_ms_min, self.options.latency_ms_max)
        fault = self.faults.fires("latency")
        if fault is not None:
            self.counters.add("latency_faults")
            delay_ms += fault.delay_ms
        if delay_ms > 0:
            await asyncio.sleep(delay_ms / 1000)

    async def arrivals(self, rate_of: Callable[[], float], chance: Random) -> AsyncIterator[None]:
        """Come back at random moments, `rate_of()` a second, and wait while that is nothing."""
        while True:
            rate = rate_of()
            self.settings_changed.clear()
            if rate <= 0:
                await self.settings_changed.wait()
                continue
            await asyncio.sleep(chance.expovariate(rate))
            yield

    def background(self, work: Coroutine[None, None, None]) -> None:
        """Run until done or until the simulator stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self, _: web.Application) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _front(channel: Channel[OptionsT]) -> Middleware:
    """The middleware before every business route."""

    @web.middleware
    async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await handler(request)
        channel.counters.add("requests")
        fault = channel.faults.fires("outage")
        if fault is None:
            return await handler(request)
        channel.counters.add("outage_refusals")
        await asyncio.sleep(fault.delay_s)
        if fault.mode != "503" and request.transport is not None:
            request.transport.abort()
        return web.Response(status=503, text="Service Unavailable")

    return front
