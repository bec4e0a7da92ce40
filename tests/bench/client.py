"""A load client that costs little: raw HTTP/1.1 over kept-alive connections, on uvloop.

A general client would cost more CPU per request than the server under test, on a machine where
both share two cores. It is the same for every side of a comparison, and says what it cost itself.
Two ways of asking: *closed*, each connection sends its next request once it is answered, which
finds how much a server can do; *open*, requests are due at a fixed rate whatever the server does,
and their latency counts from when they were due, which finds how long callers wait.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

#: Between two looks at what is due (open loop), which is also the error of a latency.
TICK_S = 0.001

#: After the last request was due, until what is not answered counts as lost.
PATIENCE_S = 20.0

Requests = Callable[[], bytes]


@dataclass
class Load:
    """What one run measured: answers by status, latencies, how long it took, what it cost."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    duration_s: float = 0.0
    client_cpu_s: float = 0.0


def post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Build one POST request."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def closed(url: str, connections: int, seconds: float, requests: Requests) -> Load:
    """Keep ``connections`` busy for ``seconds``."""
    return uvloop.run(_measured(Closed(requests, seconds), url, connections))


def opened(url: str, connections: int, seconds: float, rate: float, requests: Requests) -> Load:
    """Send ``rate`` requests a second for ``seconds``, over at most ``connections`` at a time."""
    return uvloop.run(_measured(Open(requests, seconds, rate), url, connections))


class Driver(ABC):
    """Says what each connection sends, and when."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests
        self.load = Load()
        self.ended = asyncio.Event()

    @abstractmethod
    async def run(self, connections: list[Connection]) -> None:
        """Send until the time is over and all answers are here."""

    @abstractmethod
    def free(self, connection: Connection) -> None:
        """Go on with a connection that has its answer."""


class Closed(Driver):
    """Each connection sends again once it is answered."""

    def __init__(self, requests: Requests, seconds: float) -> None:
        super().__init__(requests)
        self._until_s = time.perf_counter() + seconds
        self._busy = 0

    async def run(self, connections: list[Connection]) -> None:
        """Send on each connection; those that are answered go on by themselves."""
        self._busy = len(connections)
        for connection in connections:
            connection.send(self.requests(), time.perf_counter())
        await self.ended.wait()

    def free(self, connection: Connection) -> None:
        """Send the next request, or stop."""
        now_s = time.perf_counter()
        if now_s < self._until_s:
            connection.send(self.requests(), now_s)
            return
        self._busy -= 1
        if not self._busy:
            self.ended.set()


class Open(Driver):
    """Requests are due at a fixed rate; what finds no free connection waits for one, and counts."""

    def __init__(self, requests: Requests, seconds: float, rate: float) -> None:
        super().__init__(requests)
        self._interval_s = 1 / rate
        self._left = round(seconds * rate)
        self._due: deque[float] = deque()
        self._idle: list[Connection] = []
        self._all = 0

    async def run(self, connections: list[Connection]) -> None:
        """Send what is due at every tick."""
        self._idle, self._all = list(connections), len(connections)
        due_s = time.perf_counter()
        while self._left:
            now_s = time.perf_counter()
            while self._left and due_s <= now_s:
                self._due.append(due_s)
                self._left -= 1
                due_s += self._interval_s
            while self._due and self._idle:
                self._idle.pop().send(self.requests(), self._due.popleft())
            await asyncio.sleep(TICK_S)
        self._end_if_idle()
        try:
            await asyncio.wait_for(self.ended.wait(), PATIENCE_S)
        except TimeoutError:
            self.load.statuses[0] += self._all - len(self._idle) + len(self._due)

    def free(self, connection: Connection) -> None:
        """Send what has waited for a connection, if anything has."""
        if self._due:
            connection.send(self.requests(), self._due.popleft())
        else:
            self._idle.append(connection)
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if not self._left and not self._due and len(self._idle) == self._all:
            self.ended.set()


class Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request under way."""

    transport: asyncio.WriteTransport

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._received = b""
        self._since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to send."""
        self.transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, since_s: float) -> None:
        """Send one request whose latency counts from ``since_s``."""
        self._since_s = since_s
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note the answer once it is whole."""
        received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0 or len(received) < end + 4 + _length(received[:end]):
            self._received = received
            return
        self._received = b""
        load = self._driver.load
        load.latencies_s.append(time.perf_counter() - self._since_s)
        load.statuses[int(received[9:12])] += 1
        self._driver.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so: a server that hangs up spoils the figures."""
        if not self._driver.ended.is_set():
            self._driver.load.statuses[0] += 1
            self._driver.ended.set()


def _length(head: bytes) -> int:
    at = head.find(b"content-length:")
    if at < 0:
        head = head.lower()
        at = head.find(b"content-length:")
        if at < 0:
            return 0
    return int(head[at + 15 :].partition(b"\r\n")[0])


async def _measured(driver: Driver, url: str, count: int) -> Load:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(count):
        _, made = await loop.create_connection(
            lambda: Connection(driver), parts.hostname or "", parts.port or 80
        )
        connections.append(made)
    cpu_s, started_s = time.process_time(), time.perf_counter()
    await driver.run(connections)
    driver.load.duration_s = time.perf_counter() - started_s
    driver.load.client_cpu_s = time.process_time() - cpu_s
    for connection in connections:
        connection.transport.close()
    return driver.load
