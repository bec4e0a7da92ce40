"""A load client that costs little: raw HTTP/1.1 over kept-alive connections, closed loop.

A general client would cost more CPU per request than the server under test, on a machine where
both share two cores.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Requests = Callable[[], bytes]


@dataclass
class Load:
    """What one run measured: answers by status, latencies in seconds, how long it took."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    duration_s: float = 0.0

    @property
    def rate(self) -> float:
        """Answers with a 2xx status per second."""
        good = sum(n for status, n in self.statuses.items() if 200 <= status < 300)
        return good / self.duration_s


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


async def drive(url: str, connections: int, seconds: float, requests: Requests) -> Load:
    """Keep ``connections`` busy for ``seconds``; each sends its next request after an answer."""
    load = Load()
    started_s = time.perf_counter()
    until_s = started_s + seconds
    parts = urlsplit(url)
    await asyncio.gather(
        *(
            _connection(parts.hostname or "", parts.port or 80, until_s, requests, load)
            for _ in range(connections)
        )
    )
    load.duration_s = time.perf_counter() - started_s
    return load


async def _connection(host: str, port: int, until_s: float, requests: Requests, load: Load) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while (sent_s := time.perf_counter()) < until_s:
            writer.write(requests())
            status = await _answer(reader)
            load.latencies_s.append(time.perf_counter() - sent_s)
            load.statuses[status] = load.statuses.get(status, 0) + 1
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    length = int(lower[at + 15 : lower.find(b"\r\n", at)]) if at >= 0 else 0
    if length:
        await reader.readexactly(length)
    return int(head[9:12])
