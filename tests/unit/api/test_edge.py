from __future__ import annotations

import re
from typing import Any

import pytest
from litestar.exceptions import LitestarException
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.app import create_app
from gateway.api.edge import Gateway
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/v1/orders/A"])
async def test_every_answer_carries_a_request_id(path: str, client: Client) -> None:
    kept = await client.get(path, headers={"X-Request-Id": "call-1"})
    assert kept.headers["x-request-id"] == "call-1"
    made = await client.get(path, headers={"X-Request-Id": "not plain"})
    assert re.fullmatch("[0-9a-f]{16}", made.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/healthz", "/v1/transactions/x", "/schema", "/nowhere"])
async def test_head_is_get_without_the_body(path: str, client: Client) -> None:
    with_body = await client.get(path, headers=sent_by("webshop"))
    without = await client.head(path, headers=sent_by("webshop"))
    assert (without.status_code, without.content) == (with_body.status_code, b"")
    assert without.headers["content-length"] == with_body.headers["content-length"]
    assert without.headers["content-type"] == with_body.headers["content-type"]


async def test_options_tell_what_is_possible(client: Client) -> None:
    answer = await client.options("/v1/orders")
    assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/orders", "OPTIONS, POST"),
        ("GET", "/v1/orders", "OPTIONS, POST"),
        ("HEAD", "/v1/orders", "OPTIONS, POST"),
        ("POST", "/v1/orders/A", "GET, HEAD, OPTIONS"),
        ("BREW", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_is_not_possible(
    method: str, path: str, allowed: str, client: Client
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert answer.json() == {
            "type": "urn:coexist:problem:method-not-allowed",
            "title": "Method not allowed",
            "status": 405,
            "detail": f"{method} is not possible at {path}; use {allowed}",
            "instance": path,
        }


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/orders", "/v1/caf%C3%A9", "/schema/nothing"])
async def test_a_route_that_does_not_exist(path: str, client: Client) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (
        404,
        "application/problem+json",
    )
    assert answer.json() == {
        "type": "urn:coexist:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": f"nothing is served at {path}; the API is described at /schema",
        "instance": path,
    }


async def test_a_host_that_is_none_is_a_bad_request(client: Client) -> None:
    answer = await client.get("/healthz", headers={"Host": "no host"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:coexist:problem:bad-request")


async def test_answers_are_counted_by_route_and_never_by_path(world: World, client: Client) -> None:
    await client.post("/v1/orders", json=examples.ORDER, headers=sent_by("webshop"))
    await client.get("/v1/orders/SHOP-10001", headers=sent_by("webshop"))
    await client.get("/v1/orders/NO-SUCH", headers=sent_by("webshop"))
    await client.head("/healthz")
    for n in range(3):
        await client.get(f"/scan/{n}.php")
    assert world.observer.seen == [
        ("POST", "/v1/orders", 202),
        ("GET", "/v1/orders/{order_ref}", 200),
        ("GET", "/v1/orders/{order_ref}", 404),
        ("HEAD", "/healthz", 200),
        ("GET", "-", 404),
        ("GET", "-", 404),
        ("GET", "-", 404),
    ]


async def test_a_request_that_is_cut_off_is_counted_as_failed(world: World) -> None:
    app = create_app(world.services())

    async def cut_off(message: Any) -> None:
        raise ConnectionResetError(message["type"])

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/healthz",
        "query_string": b"",
        "headers": [],
    }
    with pytest.raises(LitestarException):
        await app(scope, receive, cut_off)
    assert world.observer.seen == [("GET", "/healthz", 500)]
