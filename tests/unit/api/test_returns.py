from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.process import Target
from gateway.errors import ErpUnavailable
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio


def returned(**changes: Any) -> dict[str, Any]:
    body = examples.RETURN | changes
    return {name: value for name, value in body.items() if value is not None}


async def test_a_return_follows_an_order_of_another_channel(world: World, client: Client) -> None:
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.CLOUD
    answer = await client.post("/v1/returns", json=returned(), headers=sent_by("returns-desk"))
    transaction_id = answer.json()["transaction_id"]
    assert answer.status_code == 202
    assert answer.json() == {
        "transaction_id": transaction_id,
        "status": "accepted",
        "return_ref": "R-1",
        "order_ref": "SHOP-10001",
        "gateway_ref": f"G-{transaction_id}",
        "status_url": f"/v1/transactions/{transaction_id}",
    }
    entry = world.buffer.entries[transaction_id]
    assert entry.object_key == "order:webshop:SHOP-10001"
    assert entry.claim == "returns-desk|return.credit|R-1"
    assert world.buffer.facts(transaction_id) == {
        "process": "return.credit",
        "channel": "returns-desk",
        "legal_entity": "NL01",
        "order_ref": "SHOP-10001",
    }


@pytest.mark.parametrize("order_channel", [None, ""])
async def test_without_a_channel_the_order_is_the_senders_own(
    order_channel: str | None, world: World, client: Client
) -> None:
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.LEGACY
    body = returned(order_channel=order_channel)
    answer = await client.post("/v1/returns", json=body, headers=sent_by("webshop"))
    transaction_id = answer.json()["transaction_id"]
    assert world.buffer.entries[transaction_id].object_key == "order:webshop:SHOP-10001"
    assert world.buffer.body(transaction_id)["order_channel"] == "webshop"


async def test_both_systems_are_asked_for_an_order_the_gateway_does_not_know(
    world: World, client: Client
) -> None:
    world.legacy.orders.add("OLD-L-00001")
    body = returned(order_ref="OLD-L-00001")
    answer = await client.post("/v1/returns", json=body, headers=sent_by("returns-desk"))
    assert answer.status_code == 202
    assert world.legacy.asked == world.cloud.asked == ["webshop OLD-L-00001 NL01"]
    entry = world.buffer.entries[answer.json()["transaction_id"]]
    assert entry.owner_found is Target.LEGACY


async def test_an_owner_that_cannot_be_determined_is_not_guessed(
    world: World, client: Client
) -> None:
    world.legacy.orders.add("OLD-L-00001")
    world.cloud.failure = ErpUnavailable("cloud at http://10.0.0.8 timed out")
    body = returned(order_ref="OLD-L-00001")
    answer = await client.post("/v1/returns", json=body, headers=sent_by("returns-desk"))
    assert answer.status_code == 202
    assert "10.0.0.8" not in answer.text
    entry = world.buffer.entries[answer.json()["transaction_id"]]
    assert (entry.undecided, entry.target, entry.owner_found) == (True, None, None)


async def test_a_repeated_return_is_credited_once(world: World, client: Client) -> None:
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.CLOUD
    answers = [
        await client.post("/v1/returns", json=returned(), headers=sent_by("returns-desk"))
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(world.buffer.entries) == 1


async def test_returns_need_their_scope(client: Client) -> None:
    answer = await client.post("/v1/returns", json=returned(), headers=sent_by("pos"))
    assert answer.status_code == 403
