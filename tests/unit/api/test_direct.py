"""The direct lane of the accept path answers exactly as Litestar's routing does."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api import edge, examples
from gateway.errors import Overloaded, StoreUnavailable
from tests.unit.api.world import World, client_of, sent_by

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")
ORDER = examples.ORDER

#: Requests of every kind of answer: taken, repeated, refused by each step.
REQUESTS: list[dict[str, Any]] = [
    {"json": ORDER, "headers": WEBSHOP},
    {"json": ORDER | {"total": "1.00"}, "headers": WEBSHOP},
    {"json": ORDER | {"currency": "USD"}, "headers": WEBSHOP},
    {"json": {}, "headers": WEBSHOP},
    {"json": ORDER},
    {"json": ORDER, "headers": {"Authorization": "Bearer nobody-s"}},
    {"json": ORDER, "headers": sent_by("pos")},
    {"content": b"{", "headers": WEBSHOP | {"content-type": "application/json"}},
    {"content": b"<order/>", "headers": WEBSHOP | {"content-type": "application/xml"}},
    {"content": b'{"a":"' + b"x" * 2_000_000 + b'"}',
     "headers": WEBSHOP | {"content-type": "application/json"}},
    {"json": ORDER, "headers": WEBSHOP | {"Idempotency-Key": "\x7f"}},
]  # fmt: skip


async def answers(world: World) -> list[tuple[int, dict[str, str], str]]:
    seen = []
    async with client_of(world) as client:
        for request in REQUESTS:
            answer = await client.post("/v1/orders", **request)
            body = answer.text
            for transaction_id in world.buffer.entries:
                body = body.replace(transaction_id, "TX")
            headers = {
                name: value.replace(next(iter(world.buffer.entries), "-"), "TX")
                for name, value in answer.headers.items()
                if name not in {"x-request-id", "date"}
            }
            seen.append((answer.status_code, headers, body))
    return seen


async def test_both_ways_answer_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = await answers(World())
    monkeypatch.setattr(edge, "DIRECT", {})
    routed = await answers(World())
    assert [status for status, _, _ in direct] == [
        202, 422, 422, 422, 401, 401, 403, 400, 415, 413, 400,
    ]  # fmt: skip
    assert direct == routed


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("redis at 10.0.0.1 is gone"), 503, "buffer-unavailable"),
        (Overloaded("full", retry_after_s=7), 503, "overloaded"),
        (RuntimeError("a bug with secrets in it"), 500, "unexpected"),
    ],
)
async def test_failures_are_problem_documents_without_what_is_inside(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    world = World()

    async def failing(_: object) -> None:
        raise error

    monkeypatch.setattr(world.buffer, "accept", failing)
    async with client_of(world) as client:
        answer = await client.post("/v1/orders", json=ORDER, headers=WEBSHOP)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:coexist:problem:{code}"
    assert "10.0.0.1" not in answer.text
    assert "secrets" not in answer.text
