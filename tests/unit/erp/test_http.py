"""The table of fates: what an error says about the request, in theory and against real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest

from gateway.canonical.outcome import Busy, Unknown
from gateway.clock import SystemClock
from gateway.erp.http import BODY_BYTES_MAX, Http, Reply
from gateway.erp.wire import FATES, FOREIGN, Fate, fate_of
from gateway.errors import ConfigError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def exceptions_of(module: object, root: type[BaseException]) -> list[type[BaseException]]:
    members = (getattr(module, name) for name in dir(module))
    return [each for each in members if isinstance(each, type) and issubclass(each, root)]


# --------------------------------------------------------------------------- the table


@pytest.mark.parametrize("kind", exceptions_of(httpx, Exception), ids=lambda kind: kind.__name__)
def test_the_table_has_every_exception_of_httpx(kind: type[BaseException]) -> None:
    assert kind in FATES
    assert issubclass(kind, FOREIGN)


def test_no_error_of_aiohttp_inherits_a_promise_unseen() -> None:
    """A subclass that a later aiohttp adds below a promising row has to be looked at first."""
    promising = {
        kind.__name__
        for kind in exceptions_of(aiohttp.client_exceptions, aiohttp.ClientError)
        if fate_of(kind.__new__(kind)) is not Fate.UNSURE
    }
    assert promising == {
        "ClientConnectorError", "ClientConnectorDNSError", "ClientSSLError",
        "ClientConnectorSSLError", "ClientConnectorCertificateError",
        "ClientProxyConnectionError", "UnixClientConnectorError", "ServerFingerprintMismatch",
        "ConnectionTimeoutError", "InvalidURL", "InvalidUrlClientError", "NonHttpUrlClientError",
    }  # fmt: skip


def test_only_errors_before_the_first_byte_promise_that_nothing_was_sent() -> None:
    promising = {kind.__name__ for kind, fate in FATES.items() if fate is not Fate.UNSURE}
    assert promising == {
        "ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL",
        "ClientConnectorError", "ClientConnectorDNSError", "ClientSSLError",
        "ClientProxyConnectionError", "ServerFingerprintMismatch", "ConnectionTimeoutError",
        "InvalidUrlClientError", "NonHttpUrlClientError",
    }  # fmt: skip


def test_the_aiohttp_error_decides_over_the_name_httpx_aiohttp_gave_it() -> None:
    misnamed = httpx.ConnectTimeout("Server disconnected")
    misnamed.__cause__ = aiohttp.ServerDisconnectedError()
    assert fate_of(misnamed) is Fate.UNSURE
    assert fate_of(httpx.ConnectTimeout("really")) is Fate.UNREACHED


def test_an_error_nobody_foresaw_is_unsure() -> None:
    assert fate_of(ZeroDivisionError()) is Fate.UNSURE


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("refused"), Busy("POST /x: ConnectError: refused", closes=True)),
        (httpx.ConnectTimeout("slow"), Busy("POST /x: ConnectTimeout: slow", closes=True)),
        (httpx.PoolTimeout("full"), Busy("POST /x: PoolTimeout: full", closes=False)),
        (httpx.ReadTimeout("silent"), Unknown("POST /x: ReadTimeout: silent")),
        (httpx.WriteError("reset"), Unknown("POST /x: WriteError: reset")),
        (httpx.RemoteProtocolError("gone"), Unknown("POST /x: RemoteProtocolError: gone")),
    ],
)
async def test_fates_become_outcomes(error: Exception, expected: Busy | Unknown) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    http = Http("http://erp.example.com", SystemClock(), httpx.MockTransport(fail))
    assert await http.call("POST", "/x", until=http.deadline(1000)) == expected


class TornStream(httpx.AsyncByteStream):
    """A body that breaks with an error which before the answer would have meant "not sent"."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"half"
        raise httpx.ConnectTimeout("Connection closed")


@pytest.mark.anyio
async def test_once_an_answer_began_no_error_means_that_nothing_was_sent() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(201, stream=TornStream())

    http = Http("http://erp.example.com", SystemClock(), httpx.MockTransport(answer))
    outcome = await http.call("POST", "/x", until=http.deadline(1000))
    assert outcome == Unknown("POST /x: ConnectTimeout: Connection closed")


# --------------------------------------------------------------------------- real sockets


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    """Serve every connection with ``serve`` on a free port."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


async def call(url: str, within_ms: int = 3000, method: str = "POST") -> Reply | Busy | Unknown:
    http = Http(url, SystemClock())
    try:
        return await http.call(
            method, "/booking", until=http.deadline(within_ms), content=b"x" * 1000
        )
    finally:
        await http.close()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """Read a request with a body to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(1000)


@pytest.mark.anyio
async def test_a_refused_connection_is_busy_and_closes() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    outcome = await call(f"http://127.0.0.1:{port}")
    assert isinstance(outcome, Busy)
    assert outcome.closes
    assert "ClientConnectorError" in outcome.detail


@pytest.mark.anyio
async def test_a_name_nobody_knows_is_busy() -> None:
    outcome = await call("http://erp.invalid")
    assert isinstance(outcome, Busy)
    assert outcome.closes


@pytest.mark.anyio
async def test_tls_to_a_port_that_speaks_none_is_busy() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with serving(serve) as url:
        outcome = await call(url.replace("http:", "https:"))
    assert isinstance(outcome, Busy)


@pytest.mark.anyio
async def test_a_server_that_hangs_up_after_the_request_leaves_it_unknown() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.close()

    async with serving(serve) as url:
        outcome = await call(url)
    assert isinstance(outcome, Unknown)
    assert len(seen) == 1, "a booking request is sent once, whatever happens"


@pytest.mark.anyio
async def test_a_reset_in_the_middle_of_the_request_leaves_it_unknown() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n")
        writer.transport.abort()

    async with serving(serve) as url:
        assert isinstance(await call(url), Unknown)


@pytest.mark.anyio
async def test_silence_until_the_deadline_leaves_it_unknown() -> None:
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        await stop.wait()
        writer.close()

    async with serving(serve) as url:
        before_s = asyncio.get_running_loop().time()
        outcome = await call(url, within_ms=100)
        took_s = asyncio.get_running_loop().time() - before_s
        stop.set()
    assert isinstance(outcome, Unknown)
    assert 0.09 < took_s < 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nhalf of it",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf ",
        b"HTTP/1.1 201 Crea",
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
    ],
    ids=["cut body", "cut chunk", "cut head", "garbage", "no gzip"],
)
async def test_half_an_answer_is_unknown_even_if_it_began_well(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with serving(serve) as url:
        assert isinstance(await call(url), Unknown)


@pytest.mark.anyio
async def test_a_stale_connection_is_not_taken_for_an_unsent_request() -> None:
    """The server closes the kept-alive connection just as the second request arrives."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await request_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        requests.append(await reader.readexactly(10))
        writer.transport.abort()

    async with serving(serve) as url:
        http = Http(url, SystemClock())
        first = await http.call("POST", "/b", until=http.deadline(3000), content=b"x" * 1000)
        second = await http.call("POST", "/b", until=http.deadline(3000), content=b"x" * 1000)
        await http.close()
    assert isinstance(first, Reply)
    assert isinstance(second, Unknown)
    assert len(requests) == 2, "the second request was not repeated on a new connection"


@pytest.mark.anyio
async def test_connections_are_kept_and_answers_unpacked() -> None:
    connections = 0
    packed = gzip.compress(b"unpacked")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(3):
            await request_of(reader)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                + f"Content-Length: {len(packed)}\r\n\r\n".encode()
                + packed
            )
            await writer.drain()
        writer.close()

    async with serving(serve) as url:
        http = Http(url, SystemClock())
        for _ in range(3):
            reply = await http.call("POST", "/b", until=http.deadline(3000), content=b"x" * 1000)
            assert isinstance(reply, Reply)
            assert reply.body == b"unpacked"
        await http.close()
    assert connections == 1


@pytest.mark.anyio
async def test_redirects_are_answers_and_not_followed() -> None:
    paths: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        paths.append((await request_of(reader)).split(b" ")[1])
        writer.write(
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async with serving(serve) as url:
        reply = await call(url)
    assert isinstance(reply, Reply)
    assert reply.status == 307
    assert paths == [b"/booking"]


# --------------------------------------------------------------------------- bounds and input


@pytest.mark.anyio
async def test_an_endless_answer_is_cut_off() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"x" * (BODY_BYTES_MAX + 1))

    http = Http("http://erp.example.com", SystemClock(), httpx.MockTransport(answer))
    outcome = await http.call("GET", "/x", until=http.deadline(1000))
    assert outcome == Unknown(f"GET /x: the answer is above {BODY_BYTES_MAX} bytes")


def test_a_reply_describes_itself_in_one_short_line() -> None:
    page = b"<html>\n<body>" + b"Service   Unavailable " * 100 + b"\xff"
    text = str(Reply("POST /x", 503, httpx.Headers(), page))
    assert text.startswith("POST /x: 503 <html> <body>Service Unavailable")
    assert len(text) < 230
    assert "\n" not in text


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("erp.example.com", "'erp.example.com' is no http(s) address"),
        ("ftp://erp.example.com", "'ftp://erp.example.com' is no http(s) address"),
        ("http://", "'http://' is no http(s) address"),
        ("http://user:secret@erp.example.com", "host 'erp.example.com' holds credentials"),
        ("http://erp.example.com:port", "Invalid port"),
    ],
)
def test_a_wrong_address_is_refused_at_start(url: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Http(url, SystemClock())
    assert problem in caught.value.detail
    assert "secret" not in caught.value.detail
