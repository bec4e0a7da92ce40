from __future__ import annotations

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.process import Target
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")


async def test_a_cancellation_follows_its_order(world: World, client: Client) -> None:
    await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    answer = await client.post(
        "/v1/orders/SHOP-10001/cancellations", json=examples.CANCELLATION, headers=WEBSHOP
    )
    transaction_id = answer.json()["transaction_id"]
    assert answer.status_code == 202
    assert answer.json() == {
        "transaction_id": transaction_id,
        "status": "accepted",
        "order_ref": "SHOP-10001",
        "cancellation_ref": "X-1",
        "gateway_ref": f"G-{transaction_id}",
        "status_url": f"/v1/transactions/{transaction_id}",
    }
    entry = world.buffer.entries[transaction_id]
    assert (entry.object_key, entry.target) == ("order:webshop:SHOP-10001", None)
    assert entry.claim == "webshop|order.cancellation|SHOP-10001/X-1"
    assert world.buffer.body(transaction_id) == {
        "order_ref": "SHOP-10001",
        "legal_entity": "NL01",
        "cancellation": examples.CANCELLATION,
    }


@pytest.mark.parametrize(
    ("channel", "query", "legal_entity"),
    [("webshop", "", ""), ("webshop", "?legal_entity=DE01", "DE01"), ("outlet", "", "NL01")],
)
async def test_the_entity_of_a_cancellation_is_named_or_the_only_one_or_open(
    channel: str, query: str, legal_entity: str, world: World, client: Client
) -> None:
    world.buffer.owners[f"order:{channel}:A"] = Target.CLOUD
    answer = await client.post(
        f"/v1/orders/A/cancellations{query}",
        json={"cancellation_ref": "X-1"},
        headers=sent_by(channel),
    )
    transaction_id = answer.json()["transaction_id"]
    assert world.buffer.body(transaction_id) == {
        "order_ref": "A",
        "legal_entity": legal_entity,
        "cancellation": {"cancellation_ref": "X-1", "reason": "customer", "lines": []},
    }
    assert world.buffer.facts(transaction_id).get("legal_entity", "") == legal_entity


async def test_a_cancellation_of_an_order_older_than_the_gateway_finds_its_owner(
    world: World, client: Client
) -> None:
    world.cloud.orders.add("OLD-C-00001")
    answer = await client.post(
        "/v1/orders/OLD-C-00001/cancellations",
        json={"cancellation_ref": "X-1"},
        headers=sent_by("outlet"),
    )
    assert answer.status_code == 202
    entry = world.buffer.entries[answer.json()["transaction_id"]]
    assert entry.owner_found is Target.CLOUD
    assert world.legacy.asked == ["outlet OLD-C-00001 NL01"]


async def test_a_cancellation_of_what_can_be_no_order_asks_no_system(
    world: World, client: Client
) -> None:
    answer = await client.post(
        "/v1/orders/a%20b/cancellations", json={"cancellation_ref": "X"}, headers=WEBSHOP
    )
    assert answer.status_code == 404
    assert world.legacy.asked == world.cloud.asked == []
