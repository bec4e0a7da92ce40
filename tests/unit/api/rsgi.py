"""Requests as granian's RSGI hands them over, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.api.front import Front


class Heads:
    """Headers; of a value that is not ASCII only the name is known, as in granian."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]

    def __contains__(self, name: str, /) -> bool:
        return any(known == name for known, _ in self._pairs)

    def get_all(self, name: str, /) -> list[str]:
        return [value for known, value in self.items() if known == name]

    def items(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self._pairs if value.isascii()]

    def keys(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self._pairs))


@dataclass
class Asked:
    """A request's first line and headers."""

    headers: Heads
    method: str = "POST"
    path: str = "/v1/orders"
    query_string: str = ""
    http_version: str = "1.1"
    server: str = "127.0.0.1:8000"
    client: str = "127.0.0.1:50000"
    scheme: str = "http"


@dataclass
class Exchange:
    """A body in pieces, and what was answered."""

    pieces: list[bytes]
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    async def __call__(self) -> bytes:
        return b"".join(self.pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        yield b""

    async def client_disconnect(self) -> None:
        await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None:
        assert not self.status, "answered twice"
        self.status, self.headers, self.body = status, headers, body

    def response_stream(self, status: int, headers: list[tuple[str, str]], /) -> Stream:
        self.response_bytes(status, headers, b"")
        return Stream(self)


@dataclass
class Stream:
    """The rest of an answer that is sent in pieces."""

    exchange: Exchange

    async def send_bytes(self, data: bytes, /) -> None:
        self.exchange.body += data


@dataclass(frozen=True)
class Answered:
    """An answer as it arrives: the server adds the length where the application left it out."""

    status_code: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.text)


async def asked(
    front: Front,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    announced: int | None = None,
    **first_line: str,
) -> Answered:
    """Send one request to the front and return its answer."""
    body = content or b""
    length = len(body) if announced is None else announced
    pairs = [("host", "127.0.0.1:8000"), *(headers or {}).items(), ("content-length", str(length))]
    exchange = Exchange([body[:700], body[700:]] if len(body) > 700 else [body])
    await front(Asked(Heads(pairs), **first_line), exchange)
    sent = {"content-length": str(len(exchange.body)), **dict(exchange.headers)}
    return Answered(exchange.status, sent, exchange.body.decode())
