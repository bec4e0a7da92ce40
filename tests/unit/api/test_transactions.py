from __future__ import annotations

from datetime import timedelta

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.exchange import Record
from gateway.canonical.lifecycle import State
from gateway.canonical.outcome import Cause
from gateway.flow.status import PUBLIC_STATE
from tests.unit.api.fakes import NOW
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")


async def submitted(client: Client) -> str:
    answer = await client.post("/v1/orders", json=examples.ORDER, headers=WEBSHOP)
    transaction_id: str = answer.json()["transaction_id"]
    return transaction_id


@pytest.mark.parametrize("state", list(State))
async def test_a_channel_sees_five_states_and_no_document_number(
    state: State, world: World, client: Client
) -> None:
    transaction_id = await submitted(client)
    world.buffer.settle(transaction_id, state, cause=Cause.CLOSED_PERIOD.value)
    answer = await client.get(f"/v1/transactions/{transaction_id}", headers=WEBSHOP)
    assert answer.headers["cache-control"] == "no-store"
    shown = {
        "transaction_id": transaction_id,
        "process": "order.intake",
        "status": PUBLIC_STATE[state],
        "reference": "SHOP-10001",
        "gateway_ref": f"G-{transaction_id}",
        "accepted_at": "2026-11-21T10:00:00Z",
    }
    if state is State.BOOKED:
        shown["booked_at"] = "2026-11-21T10:00:00Z"
    found = answer.json()
    problem = found.pop("problem", None)
    assert found == shown
    assert (problem is not None) == (state in {State.HELD, State.DISCARDED})
    assert "4500012345" not in answer.text


async def test_a_discarded_transaction_says_that_it_has_to_be_undone(
    world: World, client: Client
) -> None:
    transaction_id = await submitted(client)
    world.buffer.settle(transaction_id, State.DISCARDED)
    answer = await client.get(f"/v1/transactions/{transaction_id}", headers=WEBSHOP)
    assert answer.json()["problem"]["type"] == "urn:coexist:problem:discarded"
    assert "undo it where it was made" in answer.json()["problem"]["detail"]


async def test_a_held_transaction_says_why_in_canonical_words(world: World, client: Client) -> None:
    transaction_id = await submitted(client)
    world.buffer.settle(transaction_id, State.HELD, cause=Cause.UNKNOWN_ITEM.value)
    answer = await client.get(f"/v1/transactions/{transaction_id}", headers=WEBSHOP)
    assert answer.json()["problem"] == {
        "type": "urn:coexist:problem:held:unknown-item",
        "title": "An item is not known",
        "detail": "one of its SKUs is not known for booking; staff are on it, do not send it again",
    }


async def test_only_a_cancellation_has_an_outcome(world: World, client: Client) -> None:
    order = await submitted(client)
    answer = await client.post(
        "/v1/orders/SHOP-10001/cancellations", json=examples.CANCELLATION, headers=WEBSHOP
    )
    cancellation = answer.json()["transaction_id"]
    outcomes = []
    for transaction_id in (order, cancellation):
        world.buffer.settle(transaction_id, State.BOOKED, result="partly")
        found = await client.get(f"/v1/transactions/{transaction_id}", headers=WEBSHOP)
        outcomes.append(found.json().get("outcome"))
    assert outcomes == [None, "partly"]


async def test_what_the_buffer_has_forgotten_is_in_the_ledger(world: World, client: Client) -> None:
    transaction_id = "0a-01jd3kq0t5w6x7y8z9abcdefgh"
    world.ledger.records.append(
        Record(
            transaction_id=transaction_id,
            partition=10,
            process="order.intake",
            channel="webshop",
            object_key="order:webshop:SHOP-1",
            reference="SHOP-1",
            owner="cloud",
            state="booked",
            document="S-ORD10001",
            result="",
            cause="",
            detail="",
            accepted_at=NOW,
            settled_at=NOW + timedelta(seconds=2),
            rule_id="default",
            rule_version="abc",
            attempts=1,
            facts={},
            body={},
        )
    )
    answer = await client.get(f"/v1/transactions/{transaction_id}", headers=WEBSHOP)
    assert answer.json()["booked_at"] == "2026-11-21T10:00:02Z"
    assert "S-ORD10001" not in answer.text
    assert "cloud" not in answer.text


async def test_another_channels_transaction_is_as_unknown_as_none(client: Client) -> None:
    transaction_id = await submitted(client)
    path = f"/v1/transactions/{transaction_id}"
    assert (await client.get(path, headers=sent_by("outlet"))).status_code == 404


@pytest.mark.parametrize(
    "transaction_id",
    [
        "0a-01jd3kq0t5w6x7y8z9abcdefgh",
        "ff-01jd3kq0t5w6x7y8z9abcdefgh",
        "0A-01JD3KQ0T5W6X7Y8Z9ABCDEFGH",
        "G-0a-01jd3kq0t5w6x7y8z9abcdefgh",
        "nonsense",
    ],
)
async def test_an_id_nobody_was_given_is_unknown(transaction_id: str, client: Client) -> None:
    answer = await client.get(f"/v1/transactions/{transaction_id}", headers=WEBSHOP)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        f"no transaction '{transaction_id}' of channel 'webshop' is known; check the id",
    )
