"""The application as its server calls it (granian's RSGI): the express lane, or Litestar's ASGI.

RSGI hands over a request as it is parsed, without a dictionary, a list of headers and two
messages an answer. What the express lane does not serve is handed on as ASGI asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

from gateway.api import express
from gateway.api.express import Express, Sent
from gateway.api.headers import request_id

if TYPE_CHECKING:
    from litestar.types import HTTPReceiveMessage, HTTPScope, Message

    from gateway.api.edge import Gateway

#: What stands for a header value that is not ASCII, which the server lists by name alone.
_UNREADABLE = b"\xff"


class Heads(Sent, Protocol):
    """All headers of a request."""

    def items(self) -> Iterable[tuple[str, str]]: ...
    def keys(self) -> Iterable[str]: ...


class Asked(Protocol):
    """A request's first line and headers; ``path`` is decoded, addresses are ``host:port``."""

    @property
    def http_version(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Heads: ...


class Transport(Protocol):
    """The rest of an answer that is sent in pieces."""

    async def send_bytes(self, data: bytes, /) -> None: ...


class Exchange(Protocol):
    """A request's body, whole (called) or in pieces (iterated), and the way to answer it.

    A body that broke off ends like a whole one.
    """

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def client_disconnect(self) -> None: ...
    def response_bytes(
        self, status: int, headers: list[tuple[str, str]], body: bytes, /
    ) -> None: ...
    def response_stream(self, status: int, headers: list[tuple[str, str]], /) -> Transport: ...


class Front:
    """Serves the requests of one gateway process."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        services = gateway.facade.services
        self._express = Express(gateway.facade)
        self._accept = services.acceptor.accept
        self._monotonic_s = services.clock.monotonic_s
        self._answered = services.observer.answered

    def __call__(self, asked: Asked, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Serve one request."""
        if asked.path == express.PATH and asked.method == express.METHOD:
            ticket = self._express.admitted(asked.headers)
            if ticket is not None:
                return self._take(asked, exchange, ticket)
        return self._route(Bridge(asked, exchange))

    async def _take(self, asked: Asked, exchange: Exchange, ticket: express.Ticket) -> None:
        started_s = self._monotonic_s()
        body = await exchange()
        try:
            submission = self._express.read(ticket, body)
            receipt = await self._accept(submission) if submission is not None else None
        except Exception as error:  # noqa: BLE001 -- every error becomes a problem document
            bridge = Bridge(asked, exchange, body)
            await self._gateway.refuse(bridge.scope(), bridge.receive, bridge.send, error)
            return
        if submission is None or receipt is None:
            await self._route(Bridge(asked, exchange, body))
            return
        headers, text = express.answer(submission, receipt)
        named = asked.headers.get_all("x-request-id")
        headers.append(("x-request-id", request_id(named[0].encode() if named else None).decode()))
        exchange.response_bytes(202, headers, text)
        self._answered(express.METHOD, express.PATH, 202, self._monotonic_s() - started_s)

    async def _route(self, bridge: Bridge) -> None:
        await self._gateway(bridge.scope(), bridge.receive, bridge.send)


class Bridge:
    """One request as ASGI sees it; ``body`` if it was read already."""

    def __init__(self, asked: Asked, exchange: Exchange, body: bytes | None = None) -> None:
        self._asked = asked
        self._exchange = exchange
        self._pieces = aiter(exchange) if body is None else _once(body)
        self._announced = asked.headers.get_all("content-length")
        self._read_bytes = 0
        self._ended = False
        self._status = 500
        self._headers: list[tuple[str, str]] = []
        self._transport: Transport | None = None

    def scope(self) -> HTTPScope:
        """Return the connection scope."""
        asked = self._asked
        sent = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in asked.headers.items()
        ]
        readable = {name for name, _ in sent}
        names = [name.encode("latin-1") for name in asked.headers.keys()]  # noqa: SIM118 -- granian's cannot be iterated
        sent += [(name, _UNREADABLE) for name in names if name not in readable]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": asked.http_version,
            "server": _address(asked.server),
            "client": _address(asked.client),
            "scheme": asked.scheme,
            "method": asked.method,
            "root_path": "",
            "path": asked.path,
            "raw_path": quote(asked.path).encode(),
            "query_string": asked.query_string.encode("latin-1"),
            "headers": sent,
            "state": {},
            "extensions": {},
        }
        return cast("HTTPScope", scope)

    async def receive(self) -> HTTPReceiveMessage:
        """Return the next piece of the body; after the last one wait for the caller to leave."""
        if self._ended:
            await self._exchange.client_disconnect()
            return {"type": "http.disconnect"}
        piece = await anext(self._pieces, b"")
        self._read_bytes += len(piece)
        self._ended = not piece
        if self._ended and self._announced != [str(self._read_bytes)] and self._announced:
            return {"type": "http.disconnect"}  # the server ends a broken body like a whole one
        return {"type": "http.request", "body": piece, "more_body": not self._ended}

    async def send(self, message: Message) -> None:
        """Send the answer, in one piece if it is one."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message["headers"]
            ]
        elif message["type"] == "http.response.body":
            more = message.get("more_body", False)
            if self._transport is None and not more:
                self._exchange.response_bytes(self._status, self._headers, message["body"])
                return
            if self._transport is None:
                self._transport = self._exchange.response_stream(self._status, self._headers)
            await self._transport.send_bytes(message["body"])


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port) if port.isdigit() else 0
