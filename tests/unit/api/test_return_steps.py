from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.process import Target
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

#: Address, process, reference, example.
STEPS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("/v1/return-authorisations", "return.authorisation", "authorisation_ref",
     examples.AUTHORISATION),
    ("/v1/return-receipts", "return.receipt", "receipt_ref", examples.RECEIPT),
]  # fmt: skip
each_step = pytest.mark.parametrize(
    ("path", "process", "named", "body"), STEPS, ids=[it[1] for it in STEPS]
)


@each_step
async def test_a_step_follows_the_owner_of_its_order_and_repeats_as_it_was_answered(
    path: str, process: str, named: str, body: dict[str, Any], world: World, client: Client
) -> None:
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.CLOUD
    answer = await client.post(path, json=body, headers=sent_by("returns-desk"))
    transaction_id = answer.json()["transaction_id"]
    assert answer.status_code == 202
    assert answer.json() == {
        "transaction_id": transaction_id,
        "status": "accepted",
        named: body[named],
        "return_ref": "R-1",
        "order_ref": "SHOP-10001",
        "gateway_ref": f"G-{transaction_id}",
        "status_url": f"/v1/transactions/{transaction_id}",
    }
    entry = world.buffer.entries[transaction_id]
    assert entry.object_key == "order:webshop:SHOP-10001"
    assert entry.claim == f"returns-desk|{process}|{body[named]}"
    assert world.buffer.facts(transaction_id) == {
        "process": process,
        "channel": "returns-desk",
        "legal_entity": "NL01",
        "order_ref": "SHOP-10001",
    }
    again = await client.post(path, json=body, headers=sent_by("returns-desk"))
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == answer.json()
    clash = await client.post(
        path, json=body | {"order_ref": "SHOP-2"}, headers=sent_by("returns-desk")
    )
    assert clash.status_code in {404, 422}


@each_step
async def test_without_a_channel_the_order_is_the_senders_own(
    path: str, process: str, named: str, body: dict[str, Any], world: World, client: Client
) -> None:
    del process, named
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.LEGACY
    sent = {name: it for name, it in body.items() if name != "order_channel"}
    answer = await client.post(path, json=sent, headers=sent_by("webshop"))
    transaction_id = answer.json()["transaction_id"]
    assert world.buffer.entries[transaction_id].object_key == "order:webshop:SHOP-10001"
    assert world.buffer.body(transaction_id)["order_channel"] == "webshop"


@each_step
async def test_what_is_wrong_is_named_and_nothing_is_taken(
    path: str, process: str, named: str, body: dict[str, Any], world: World, client: Client
) -> None:
    del process, named
    at = "authorised_at" if "authorised_at" in body else "received_at"
    wrong = body | {"legal_entity": "XX9", "order_channel": "nowhere", at: "2019-01-01T00:00:00Z"}
    answer = await client.post(path, json=wrong, headers=sent_by("returns-desk"))
    assert answer.status_code == 422
    pointers = {it["pointer"] for it in answer.json()["errors"]}
    assert pointers == {"/legal_entity", "/order_channel", f"/{at}"}
    assert not world.buffer.entries


async def test_a_receipt_of_no_return_names_none(world: World, client: Client) -> None:
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.LEGACY
    body = examples.RECEIPT | {"return_ref": None}
    answer = await client.post("/v1/return-receipts", json=body, headers=sent_by("returns-desk"))
    assert answer.status_code == 202
    assert "return_ref" not in answer.json()
