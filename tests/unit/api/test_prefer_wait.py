from __future__ import annotations

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.lifecycle import State
from gateway.canonical.outcome import Cause
from gateway.errors import LedgerUnavailable
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")


async def test_who_prefers_to_wait_gets_201_once_it_is_booked(world: World, client: Client) -> None:
    world.buffer.books_at_once = True
    answer = await client.post(
        "/v1/orders", json=examples.ORDER, headers=sent_by("webshop", prefer="wait=10")
    )
    transaction_id = answer.json()["transaction_id"]
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=10"
    assert answer.json() == {
        "transaction_id": transaction_id,
        "status": "booked",
        "order_ref": "SHOP-10001",
        "gateway_ref": f"G-{transaction_id}",
        "status_url": f"/v1/transactions/{transaction_id}",
    }


async def test_a_wait_ends_in_the_first_answer_if_nothing_came(
    world: World, client: Client
) -> None:
    before = world.clock.monotonic_s()
    answer = await client.post(
        "/v1/orders", json=examples.ORDER, headers=sent_by("webshop", prefer="wait=99")
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert answer.headers["preference-applied"] == "wait=30"
    assert world.clock.monotonic_s() - before == pytest.approx(30)


async def test_a_repeat_that_waits_may_learn_of_the_booking(world: World, client: Client) -> None:
    first = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    world.buffer.settle(first.json()["transaction_id"], State.BOOKED)
    repeat = await client.post(
        "/v1/orders", json=examples.ORDER, headers=sent_by("webshop", prefer="wait=1")
    )
    assert (repeat.status_code, repeat.json()["status"]) == (201, "booked")
    assert repeat.headers["idempotency-replayed"] == "true"


async def test_a_hold_while_waiting_is_told_in_canonical_words(
    world: World, client: Client
) -> None:
    first = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    world.buffer.settle(first.json()["transaction_id"], State.HELD, cause=Cause.UNKNOWN_ITEM.value)
    answer = await client.post(
        "/v1/orders", json=examples.ORDER, headers=sent_by("webshop", prefer="wait=1")
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "held")
    assert answer.json()["problem"]["type"] == "urn:coexist:problem:held:unknown-item"


async def test_not_being_able_to_look_does_not_unsay_that_it_was_taken(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(transaction_id: str) -> None:
        raise LedgerUnavailable(f"no answer about {transaction_id}")

    monkeypatch.setattr(world.buffer, "progress", unreachable)
    answer = await client.post(
        "/v1/orders", json=examples.ORDER, headers=sent_by("webshop", prefer="wait=1")
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert len(world.buffer.entries) == 1
