"""What a permit notes of its call, on real connections: when it left, how it ended, what it asks.

The quota's count is only as right as these notes: `tests/unit/store/test_quotas.py` says what the
ledger makes of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.canonical.exchange import Permit, Traffic
from gateway.canonical.exchange.permits import AT_ONCE_BYTES
from gateway.canonical.outcome import Busy
from gateway.clock import SystemClock
from gateway.erp.http import Http, Reply

pytestmark = pytest.mark.anyio


class Server:
    """Reads one request to its end, and answers with ``answer`` once it may; "" hangs up."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.read_at_s: asyncio.Queue[float] = asyncio.Queue()
        self._serving: list[asyncio.Task[None]] = []

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        self.read_at_s.put_nowait(time.monotonic())
        await self.may_answer.wait()
        writer.write(self._answer.encode())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def end(self) -> None:
        self.may_answer.set()
        await asyncio.gather(*self._serving)


@asynccontextmanager
async def serving(answer: str) -> AsyncIterator[tuple[Server, Http]]:
    """Serve ``answer`` on a free port."""
    server = Server(answer)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    async with listening:
        host, port = listening.sockets[0].getsockname()
        http = Http(f"http://{host}:{port}", SystemClock())
        yield server, http
        await http.close()
        await server.end()


def permit(good_for_s: float = 60.0) -> Permit:
    now_s = time.monotonic()
    return Permit("1:0:1:0:", Traffic.HIGH, now_s, now_s + good_for_s, time.monotonic)


async def call(http: Http, under: Permit, size: int = 100, within_ms: int = 5000) -> object:
    with under.in_use():
        return await http.call(
            "POST", "/orders", until=http.deadline(within_ms), content=b"x" * size
        )


def answer(status: int, *headers: str, body: str = "") -> str:
    lines = (f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "Connection: close", "")) + body


async def test_under_a_permit_that_has_run_out_nothing_is_sent() -> None:
    """The ledger counts it as used from then on, and may have given its place to another."""
    async with serving(answer(201)) as (server, http):
        outcome = await call(http, permit(good_for_s=-0.001))
        assert isinstance(outcome, Busy)
        assert "its permit had run out" in outcome.detail
        assert isinstance(await call(http, permit()), Reply)
        assert server.read_at_s.qsize() == 1


async def test_it_notes_that_the_request_left_while_the_answer_is_still_to_come() -> None:
    async with serving(answer(201)) as (server, http):
        server.may_answer.clear()
        used = permit()
        calling = asyncio.create_task(call(http, used))
        read_at_s = await server.read_at_s.get()
        assert used.left_s is not None
        assert used.asked_s <= used.left_s <= read_at_s
        assert used.left_after_ms is not None
        server.may_answer.set()
        await calling
        assert used.took_ms is not None


@pytest.mark.parametrize(("size", "known"), [(AT_ONCE_BYTES, True), (AT_ONCE_BYTES + 1, False)])
async def test_of_a_long_request_nobody_knows_when_it_had_left(size: int, known: bool) -> None:
    """Its first bytes are written at once, the last when the line lets them."""
    async with serving(answer(201)) as (_, http):
        used = permit()
        await call(http, used, size)
        assert (used.left_after_ms is not None) is known
        assert used.took_ms is not None


XML = "Content-Type: text/xml"


@pytest.mark.parametrize(
    ("answered", "how"),
    [
        (answer(201), "ok"),
        (answer(400, body="{}"), "ok"),
        (answer(429), "busy"),
        (answer(500), "fail"),
        (answer(500, XML, body="<Fault/>"), "ok"),
        (answer(503), "fail"),
        ("", "fail"),
        ("HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nhalf", "fail"),
    ],
)
async def test_it_notes_how_the_erp_fares(answered: str, how: str) -> None:
    async with serving(answered) as (_, http):
        used = permit()
        await call(http, used)
        assert used.how == how


async def test_without_a_connection_it_has_failed_and_nothing_left() -> None:
    async with serving(answer(201)) as (_, http):
        pass
    used = permit()
    assert isinstance(await call(http, used), Busy)
    assert (used.how, used.left_s) == ("fail", None)
    await http.close()


async def test_who_gives_up_leaves_the_place_taken() -> None:
    """By the deadline, or because whoever called is gone: the ERP may be at it still."""
    async with serving(answer(201)) as (server, http):
        server.may_answer.clear()
        late = permit()
        await call(http, late, within_ms=200)
        await server.read_at_s.get()
        assert late.how == "gone"
        cut = permit()
        calling = asyncio.create_task(call(http, cut))
        await server.read_at_s.get()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        assert cut.how == "cut"


@pytest.mark.parametrize(
    ("status", "headers", "closes_ms"),
    [
        (429, ["Retry-After: 7"], 7_000),
        (503, ["Retry-After: 7"], 7_000),
        (
            429,
            ["Date: Thu, 26 Nov 2026 10:00:00 GMT", "Retry-After: Thu, 26 Nov 2026 10:01:00 GMT"],
            60_000,
        ),
        (429, [], 0),
        (429, ["Retry-After: soon"], 0),
        (201, ["Retry-After: 7"], 0),
        (301, ["Retry-After: 7", "Location: /x"], 0),
    ],
)
async def test_it_notes_the_silence_an_answer_asks_for(
    status: int, headers: list[str], closes_ms: int
) -> None:
    async with serving(answer(status, *headers)) as (_, http):
        used = permit()
        await call(http, used)
        assert used.closes_ms == closes_ms
