from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.lifecycle import State
from gateway.canonical.order import Order
from gateway.canonical.process import Target
from tests.unit.api.world import Plan, World, client_of, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")


async def test_an_order_is_taken_and_answered_with_where_to_look(
    world: World, client: Client
) -> None:
    answer = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    assert answer.status_code == 202
    transaction_id = answer.json()["transaction_id"]
    assert answer.json() == {
        "transaction_id": transaction_id,
        "status": "accepted",
        "order_ref": "SHOP-10001",
        "gateway_ref": f"G-{transaction_id}",
        "status_url": f"/v1/transactions/{transaction_id}",
    }
    assert answer.headers["location"] == f"/v1/transactions/{transaction_id}"
    assert "idempotency-replayed" not in answer.headers
    entry = world.buffer.entries[transaction_id]
    assert entry.object_key == "order:webshop:SHOP-10001"
    assert entry.claim == "webshop|order.intake|SHOP-10001"
    assert entry.target is Target.LEGACY
    assert world.buffer.facts(transaction_id) == {
        "process": "order.intake",
        "channel": "webshop",
        "legal_entity": "NL01",
        "country": "NL",
        "customer_group": "retail",
        "customer_ref": "C-1001",
        "order_ref": "SHOP-10001",
    }


async def test_what_is_enqueued_is_what_was_received_and_reads_as_the_same_order(
    world: World, client: Client
) -> None:
    bare = {
        name: value
        for name, value in examples.ORDER.items()
        if name not in {"tax_included", "shipping"}
    }
    bare |= {
        "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "unit_price": "19.95"}],
        "payment": {"method": "card"},
        "total": "19.95",
    }
    answer = await client.post("/v1/orders", json=bare, headers=WEBSHOP)
    body = world.buffer.body(answer.json()["transaction_id"])
    assert body == bare
    order = Order.model_validate(body)
    assert order.tax_included
    assert order.shipping.amount == order.lines[0].discount == 0
    assert order.payment.status == "paid"


async def test_rules_may_route_by_the_node_all_lines_agree_on(world: World, client: Client) -> None:
    for ref, nodes, fact in (("A", ("UTR", "UTR"), "UTR"), ("B", ("UTR", "RTM"), "")):
        lines = [{**examples.ORDER["lines"][0], "line": n, "node": node}
                 for n, node in enumerate(nodes, start=1)]  # fmt: skip
        total = sum(Decimal(it["unit_price"]) * it["quantity"] - Decimal(it.get("discount", "0"))
                    for it in lines)  # fmt: skip
        order = {**examples.ORDER, "order_ref": ref, "lines": lines, "total": f"{total}"}
        order.pop("shipping")
        answer = await client.post("/v1/orders", json=order, headers=WEBSHOP)
        assert answer.status_code == 202, answer.text
        assert world.buffer.facts(answer.json()["transaction_id"]).get("node", "") == fact


async def test_an_order_may_come_only_after_what_was_accepted(world: World, client: Client) -> None:
    second = {**examples.ORDER, "order_ref": "SHOP-10002", "after": ["SHOP-10001", "SHOP-9"]}
    refused = await client.post("/v1/orders", json=second, headers=WEBSHOP)
    assert refused.status_code == 422
    wrong = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
    assert list(wrong) == ["/after/0", "/after/1"]
    assert wrong["/after/1"] == (
        "order 'SHOP-9' of channel 'webshop' was never accepted here; send it first, or leave it "
        "out if the ERP has it from before"
    )
    assert not world.buffer.entries
    await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    taken = await client.post(
        "/v1/orders", json=second | {"after": ["SHOP-10001"]}, headers=WEBSHOP
    )
    assert taken.status_code == 202
    assert world.buffer.body(taken.json()["transaction_id"])["after"] == ["SHOP-10001"]


async def test_a_repeat_gets_the_first_answer_marked_as_one(client: Client) -> None:
    first = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    turned = dict(reversed(examples.ORDER.items()))
    repeat = await client.post("/v1/orders", json=turned, headers=WEBSHOP)
    assert (repeat.status_code, repeat.content) == (202, first.content)
    assert repeat.headers["idempotency-replayed"] == "true"
    assert repeat.headers["location"] == first.headers["location"]


async def test_a_repeat_after_the_booking_still_says_what_the_first_answer_said(
    world: World, client: Client
) -> None:
    first = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    world.buffer.settle(first.json()["transaction_id"], State.BOOKED)
    repeat = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    assert (repeat.status_code, repeat.content) == (202, first.content)


async def test_one_order_under_two_keys_is_one_order(world: World, client: Client) -> None:
    answers = [
        await client.post(
            "/v1/orders", json=examples.ORDER, headers=sent_by("webshop", idempotency_key=key)
        )
        for key in ("k-1", "k-2", "k-2")
    ]
    assert len({answer.content for answer in answers}) == 1
    assert len(world.buffer.entries) == 1


async def test_one_key_never_covers_two_orders(world: World, client: Client) -> None:
    keyed = sent_by("webshop", idempotency_key="k-1")
    first = await client.post("/v1/orders", json=examples.ORDER, headers=keyed)
    other = examples.ORDER | {"order_ref": "SHOP-10002"}
    second = await client.post("/v1/orders", json=other, headers=keyed)
    assert (first.status_code, second.status_code) == (202, 422)
    assert second.json()["type"] == "urn:coexist:problem:idempotency-clash"
    assert len(world.buffer.entries) == 1


async def test_one_key_never_covers_equal_cancellations_of_two_orders(
    world: World, client: Client
) -> None:
    world.buffer.owners |= {"order:webshop:A": Target.LEGACY, "order:webshop:B": Target.LEGACY}
    keyed = sent_by("webshop", idempotency_key="k-1")
    body = {"cancellation_ref": "X-1"}
    first = await client.post("/v1/orders/A/cancellations", json=body, headers=keyed)
    second = await client.post("/v1/orders/B/cancellations", json=body, headers=keyed)
    assert (first.status_code, second.status_code) == (202, 422)


async def test_two_channels_may_use_one_reference(world: World, client: Client) -> None:
    for channel in ("webshop", "outlet"):
        answer = await client.post("/v1/orders", json=examples.ORDER, headers=sent_by(channel))
        assert answer.status_code == 202
        assert "idempotency-replayed" not in answer.headers
    assert len(world.buffer.entries) == 2


async def test_an_order_reference_with_reserved_characters_is_found_by_its_escapes(
    client: Client,
) -> None:
    order = examples.ORDER | {"order_ref": "A:1#2"}
    assert (await client.post("/v1/orders", json=order, headers=WEBSHOP)).status_code == 202
    answer = await client.get("/v1/orders/A%3A1%232", headers=WEBSHOP)
    assert answer.json()["order_ref"] == "A:1#2"


async def test_an_order_shows_all_that_its_channel_sent_about_it(
    world: World, client: Client
) -> None:
    order = (await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)).json()
    await world.clock.sleep(1)
    wish = (
        await client.post(
            "/v1/orders/SHOP-10001/cancellations", json=examples.CANCELLATION, headers=WEBSHOP
        )
    ).json()
    await client.post("/v1/returns", json=examples.RETURN, headers=sent_by("returns-desk"))
    world.buffer.settle(order["transaction_id"], State.BOOKED)
    world.buffer.settle(wish["transaction_id"], State.BOOKED, result="too_late")
    answer = await client.get("/v1/orders/SHOP-10001", headers=WEBSHOP)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "order_ref": "SHOP-10001",
        "status": "booked",
        "gateway_ref": order["gateway_ref"],
        "transactions": [
            {
                "transaction_id": order["transaction_id"],
                "process": "order.intake",
                "status": "booked",
                "reference": "SHOP-10001",
                "gateway_ref": order["gateway_ref"],
                "accepted_at": "2026-11-21T10:00:00Z",
                "booked_at": "2026-11-21T10:00:00Z",
            },
            {
                "transaction_id": wish["transaction_id"],
                "process": "order.cancellation",
                "status": "booked",
                "reference": "SHOP-10001/X-1",
                "gateway_ref": wish["gateway_ref"],
                "accepted_at": "2026-11-21T10:00:01Z",
                "booked_at": "2026-11-21T10:00:00Z",
                "outcome": "too_late",
            },
        ],
    }


async def test_an_order_from_before_the_gateway_counts_as_booked(
    world: World, client: Client
) -> None:
    world.legacy.orders.add("OLD-L-00001")
    await client.post(
        "/v1/orders/OLD-L-00001/cancellations", json={"cancellation_ref": "X"}, headers=WEBSHOP
    )
    found = (await client.get("/v1/orders/OLD-L-00001", headers=WEBSHOP)).json()
    assert (found["status"], len(found["transactions"])) == ("booked", 1)
    assert "gateway_ref" not in found


@pytest.mark.parametrize("reference", ["NEVER-SEEN", "-x", "a%20b", "x" * 65, "%2e%2e"])
async def test_an_order_nobody_sent_is_unknown(reference: str, client: Client) -> None:
    answer = await client.get(f"/v1/orders/{reference}", headers=WEBSHOP)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_channels_order_is_as_unknown_as_none(client: Client) -> None:
    await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    answer = await client.get("/v1/orders/SHOP-10001", headers=sent_by("outlet"))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/orders", examples.ORDER),
        ("POST", "/v1/orders/A/cancellations", examples.CANCELLATION),
    ],
)
async def test_orders_need_their_scope(
    method: str, path: str, body: dict[str, Any], client: Client
) -> None:
    answer = await client.request(method, path, json=body, headers=sent_by("pos"))
    assert answer.status_code == 403


async def test_nothing_is_taken_of_what_is_refused() -> None:
    world = World(plan=Plan(body_bytes_max=200))
    async with client_of(world) as client:
        answers = [
            await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP),
            await client.post("/v1/orders", json={"order_ref": "A"}, headers=WEBSHOP),
            await client.post("/v1/orders", json=examples.ORDER),
        ]
    assert [answer.status_code for answer in answers] == [413, 422, 401]
    assert not world.buffer.claims
    assert not world.buffer.keys
