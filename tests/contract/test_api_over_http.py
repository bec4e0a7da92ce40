"""The API behind its real server: what only shows on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from gateway.api import examples
from gateway.api.app import create_app
from tests.unit.api.world import Plan, World, sent_by

pytestmark = pytest.mark.anyio

LIMIT = 10_000


@asynccontextmanager
async def served(world: World, socket: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve ``world`` on a socket of its own, until the block ends."""
    server = Server(
        create_app(world.services()),
        uds=socket,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            await _until_it_answers(client)
            yield client
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await serving


async def _until_it_answers(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await client.get("/healthz")
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
            else:
                return


@pytest.fixture
def world() -> World:
    return World(plan=Plan(body_bytes_max=LIMIT))


@pytest.fixture
async def client(
    world: World, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[httpx.AsyncClient]:
    async with served(world, tmp_path / "api.sock") as client:
        yield client


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_an_order_is_taken_whole_or_in_pieces(
    world: World, client: httpx.AsyncClient
) -> None:
    body = json.dumps(examples.ORDER).encode()
    whole = await client.post("/v1/orders", content=body, headers=sent_by("webshop"))
    pieces = await client.post(
        "/v1/orders", content=in_pieces(body[:100], body[100:]), headers=sent_by("webshop")
    )
    assert (whole.status_code, pieces.status_code) == (202, 202)
    assert whole.content == pieces.content
    assert pieces.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("announced", [True, False])
async def test_an_oversized_body_is_refused_announced_or_not(
    announced: bool, world: World, client: httpx.AsyncClient
) -> None:
    pieces = [b" " * 1000] * (LIMIT // 1000 + 1)
    content: Any = b"".join(pieces) if announced else in_pieces(*pieces)
    answer = await client.post("/v1/orders", content=content, headers=sent_by("webshop"))
    assert answer.status_code == 413
    assert answer.json() == {
        "type": "urn:coexist:problem:body-too-large",
        "title": "Body too large",
        "status": 413,
        "detail": "the body has more than 10000 bytes; send less at a time",
        "instance": "/v1/orders",
    }
    assert not world.buffer.claims


async def test_a_connection_goes_on_after_a_refusal(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        refused = await client.post("/v1/orders", content=b"{", headers=sent_by("webshop"))
        assert refused.status_code == 400
    assert (await client.get("/healthz")).status_code == 200


async def test_head_and_options_have_no_body_on_the_wire(client: httpx.AsyncClient) -> None:
    head = await client.head("/healthz")
    options = await client.options("/v1/orders")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "18")
    assert (options.status_code, options.content) == (204, b"")


async def test_of_two_different_keys_of_one_request_none_counts(
    world: World, client: httpx.AsyncClient
) -> None:
    headers = [*sent_by("webshop").items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await client.post("/v1/orders", json=examples.ORDER, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Idempotency-Key was sent 2 times; send it once"
    assert not world.buffer.keys


async def test_a_caller_that_hangs_up_leaves_nothing_half_taken(
    world: World, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    refused = asyncio.Event()
    world.observer.on_answer = lambda seen: refused.set() if seen[2] == 400 else None
    _, writer = await asyncio.open_unix_connection(str(tmp_path / "api.sock"))
    writer.write(
        b"POST /v1/orders HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer key-of-webshop\r\n"
        b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n" + b'{"order_ref":"A"'
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(10):
        await refused.wait()
    assert not world.buffer.claims
    assert (await client.get("/healthz")).status_code == 200


async def test_many_equal_orders_at_once_are_one(world: World, client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(
            client.post("/v1/orders", json=examples.ORDER, headers=sent_by("webshop"))
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len(world.buffer.entries) == 1
