from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.envelope import partition_of
from gateway.canonical.process import Target
from gateway.errors import LedgerUnavailable, Overloaded, StoreUnavailable
from tests.unit.api.fakes import PARTITIONS
from tests.unit.api.world import Plan, World, client_of, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

POS = sent_by("pos")
RECEIPT: dict[str, Any] = examples.STORE_SALES["transactions"][0]


def receipt(sequence: int, **changes: Any) -> dict[str, Any]:
    return RECEIPT | {"sequence": sequence} | changes


def batch(*receipts: Any, store: str = "NL-001") -> dict[str, Any]:
    return {"store": store, "transactions": list(receipts)}


async def results(client: Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post("/v1/store-sales", json=body, headers=POS)
    assert answer.status_code == 207, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


async def test_each_receipt_is_taken_for_itself_in_the_order_sent(
    world: World, client: Client
) -> None:
    found = await results(client, batch(receipt(18), receipt(17)))
    assert [each["sequence"] for each in found] == [18, 17]
    transaction_id = found[1]["transaction_id"]
    assert found[1] == {
        "register": "1",
        "sequence": 17,
        "business_date": "2026-11-21",
        "status": "accepted",
        "transaction_id": transaction_id,
        "status_url": f"/v1/transactions/{transaction_id}",
    }
    entry = world.buffer.entries[transaction_id]
    assert entry.object_key == "store-day:NL-001:2026-11-21"
    assert entry.claim == "pos|store.sale|NL-001/2026-11-21/1/17"
    assert entry.pipelined
    assert world.buffer.facts(transaction_id) == {
        "process": "store.sale",
        "channel": "pos",
        "legal_entity": "NL01",
        "store": "NL-001",
        "business_date": "2026-11-21",
    }
    assert world.buffer.body(transaction_id) == {
        "store": "NL-001",
        "legal_entity": "NL01",
        "sale": RECEIPT | {"sold_at": "2026-11-21T10:00:00Z"},
    }


async def test_a_late_receipt_belongs_to_its_own_day(world: World, client: Client) -> None:
    (found,) = await results(client, batch(receipt(17, business_date="2026-11-19")))
    entry = world.buffer.entries[found["transaction_id"]]
    assert entry.object_key == "store-day:NL-001:2026-11-19"


async def test_a_receipt_sent_again_is_replayed_with_the_first_id(client: Client) -> None:
    first = await results(client, batch(receipt(17)))
    again = await results(client, batch(receipt(16), receipt(17)))
    assert [each["status"] for each in again] == ["accepted", "replayed"]
    assert again[1]["transaction_id"] == first[0]["transaction_id"]


async def test_of_two_equal_receipts_in_one_batch_the_second_is_the_repeat(
    world: World, client: Client
) -> None:
    found = await results(client, batch(receipt(17), receipt(18), receipt(17)))
    assert [each["status"] for each in found] == ["accepted", "accepted", "replayed"]
    assert found[2]["transaction_id"] == found[0]["transaction_id"]
    assert len(world.buffer.entries) == 2


async def test_of_two_different_receipts_with_one_number_both_are_taken_and_one_waits_for_staff(
    world: World, client: Client
) -> None:
    other = receipt(17, sold_at="2026-11-21T09:00:00+00:00")
    first, second = await results(client, batch(receipt(17), other))
    assert (first["status"], second["status"]) == ("accepted", "held")
    (again,) = await results(client, batch(other))
    assert (again["status"], again["transaction_id"]) == ("replayed", second["transaction_id"])
    assert len(world.buffer.entries) == 2
    body = world.buffer.body(second["transaction_id"])
    assert "sequence" not in body["sale"]
    (problem,) = body["unmapped"]["problems"]
    assert first["transaction_id"] in problem["detail"]
    held = world.buffer.entries[second["transaction_id"]]
    day = world.buffer.entries[first["transaction_id"]]
    # It stops nothing of its day, and lies where the day's claims are.
    assert held.object_key.startswith(f"{day.object_key}#1/17#")
    assert partition_of(held.object_key, PARTITIONS) == partition_of(day.object_key, PARTITIONS)
    world.clock.at += timedelta(days=1)
    assert held.claim.startswith("pos|store.sale|NL-001/2026-11-21/1/17#")


async def test_what_waits_for_staff_goes_where_its_day_goes(world: World, client: Client) -> None:
    world.buffer.owners["store-day:NL-001:2026-11-21"] = Target.CLOUD
    other = receipt(17, sold_at="2026-11-21T09:00:00+00:00")
    _, second = await results(client, batch(receipt(17), other))
    assert world.buffer.entries[second["transaction_id"]].target is Target.CLOUD


async def test_one_receipt_written_in_two_ways_is_one_receipt(client: Client) -> None:
    other = receipt(17, sold_at="2026-11-21T11:00:00+01:00", cash_rounding="0.0")
    first, second = await results(client, batch(receipt(17), other))
    assert (first["status"], second["status"]) == ("accepted", "replayed")
    assert second["transaction_id"] == first["transaction_id"]


async def test_a_number_without_a_sale_is_noted_and_nothing_is_booked(
    world: World, client: Client
) -> None:
    mark = {name: RECEIPT[name] for name in ("register", "business_date", "sold_at")}
    void = mark | {"kind": "void", "sequence": 18}
    end = mark | {"kind": "control", "sequence": 19, "closes_day": True}
    found = await results(client, batch(end, receipt(17), void))
    assert [(it["status"], it["sequence"]) for it in found] == [
        ("noted", 19), ("accepted", 17), ("noted", 18),
    ]  # fmt: skip
    assert "transaction_id" not in found[0]
    assert [(it.kind, it.sequence) for it in world.ledger.numbers] == [
        ("control", 19), ("void", 18),
    ]  # fmt: skip
    assert [it.business_date.isoformat() for it in world.ledger.closed] == ["2026-11-21"]
    assert len(world.buffer.entries) == 1


async def test_while_the_record_is_away_marks_are_to_be_sent_again_and_receipts_are_taken(
    world: World, client: Client
) -> None:
    world.ledger.failure = LedgerUnavailable("away", 7)
    mark = {"kind": "void"} | {
        name: RECEIPT[name] for name in ("register", "business_date", "sold_at", "sequence")
    }
    found = await results(client, batch(mark, receipt(18)))
    assert [it["status"] for it in found] == ["retry", "accepted"]


async def test_a_mark_that_is_wrong_is_rejected_alone(client: Client) -> None:
    mark = {"kind": "void", "register": "1", "sequence": 0, "business_date": "2026-11-21",
            "sold_at": "2026-11-21T10:00:00Z"}  # fmt: skip
    closing = mark | {"sequence": 1, "closes_day": True}
    found = await results(client, batch(mark, closing, receipt(2)))
    assert [it["status"] for it in found] == ["rejected", "rejected", "accepted"]
    assert found[0]["problem"]["errors"][0]["pointer"] == "/transactions/0/sequence"
    assert "closes no day" in found[1]["problem"]["errors"][0]["detail"]


BACK = {"line": 2, "sku": "TEE-BLK-M", "quantity": 1, "unit_price": "19.95", "tax": "3.46"}


@pytest.mark.parametrize(
    "changes",
    [
        {"returns": [BACK], "total": "0.00", "tenders": []},
        {"lines": [], "returns": [BACK], "total": "-19.95",
         "tenders": [{"type": "cash", "amount": "-19.95"}]},
        {"tenders": [{"type": "cash", "amount": "20.00"}], "cash_rounding": "0.05"},
        {"tenders": [{"type": "cash", "amount": "50.00"}, {"type": "cash", "amount": "-30.05"}]},
        {"tax_included": False, "total": "23.41", "tenders": [{"type": "card", "amount": "23.41"}]},
    ],
    ids=["exchange", "only a return", "rounded", "change", "tax not included"],
)  # fmt: skip
async def test_goods_and_money_go_both_ways(changes: dict[str, Any], client: Client) -> None:
    (found,) = await results(client, batch(receipt(17, **changes)))
    assert found["status"] == "accepted", found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"returns": [BACK]}, "total 19.95 EUR is 19.95 off: its parts add up to 0.00"),
        ({"cash_rounding": "0.05"}, "total 19.95 EUR is 0.05 off: its parts add up to 19.90"),
        ({"lines": [], "total": "0.00", "tenders": []}, "neither sells nor takes back anything"),
        ({"returns": [BACK | {"line": 1}], "total": "0.00", "tenders": []}, "line 1 occurs twice"),
    ],
)
async def test_what_does_not_add_up_is_rejected_with_the_difference(
    changes: dict[str, Any], said: str, client: Client
) -> None:
    (found,) = await results(client, batch(receipt(17, **changes)))
    assert said in str(found["problem"]["errors"]), found


async def test_a_wrong_receipt_rejects_nothing_but_itself(world: World, client: Client) -> None:
    wrong = receipt(18, total="1.00", currency="EUR")
    found = await results(client, batch(receipt(17), wrong, receipt(19)))
    assert [each["status"] for each in found] == ["accepted", "rejected", "accepted"]
    assert found[1] == {
        "register": "1",
        "sequence": 18,
        "business_date": "2026-11-21",
        "status": "rejected",
        "problem": {
            "type": "urn:coexist:problem:invalid-fields",
            "title": "Some fields are not valid",
            "status": 422,
            "detail": "1 field is not valid; correct and send again",
            "instance": "/v1/store-sales#/transactions/1",
            "errors": [
                {
                    "pointer": "/transactions/1/total",
                    "detail": "total 1.00 EUR is -18.95 off: its parts add up to 19.95",
                }
            ],
        },
    }
    assert len(world.buffer.entries) == 2


async def test_a_receipt_without_a_readable_key_is_answered_by_its_place(client: Client) -> None:
    found = await results(client, batch({"register": 1, "sequence": "17"}, receipt(17)))
    assert [each["status"] for each in found] == ["rejected", "accepted"]
    assert "register" not in found[0]
    assert "sequence" not in found[0]
    assert found[0]["problem"]["instance"] == "/v1/store-sales#/transactions/0"


async def test_semantic_errors_of_a_receipt_name_its_place_in_the_batch(client: Client) -> None:
    found = await results(client, batch(receipt(17), receipt(18, business_date="2026-12-24")))
    assert found[1]["problem"]["errors"] == [
        {
            "pointer": "/transactions/1/business_date",
            "detail": "2026-12-24 is 33 days ahead of the gateway's date (2026-11-21, UTC); check "
            "the register's date",
        }
    ]


async def test_a_receipt_the_buffer_could_not_answer_for_is_to_be_sent_again(
    world: World, client: Client
) -> None:
    claim = "pos|store.sale|NL-001/2026-11-21/1/18"
    world.buffer.failing_claims[claim] = StoreUnavailable("10.0.0.7 timed out", 3)
    found = await results(client, batch(receipt(17), receipt(18)))
    assert [each["status"] for each in found] == ["accepted", "retry"]
    assert found[1]["problem"] == {
        "type": "urn:coexist:problem:buffer-unavailable",
        "title": "Temporarily unavailable",
        "status": 503,
        "detail": "the buffer does not answer, so it is not known whether this was taken; repeat "
        "the same request, it is taken at most once",
        "instance": "/v1/store-sales#/transactions/1",
    }
    world.buffer.failing_claims.clear()
    again = await results(client, batch(receipt(17), receipt(18)))
    assert [each["status"] for each in again] == ["replayed", "accepted"]


async def test_if_no_receipt_could_be_answered_for_the_whole_batch_is_503(
    world: World, client: Client
) -> None:
    reference = "pos|store.sale|NL-001/2026-11-21/1/"
    world.buffer.failing_claims = {
        f"{reference}17": StoreUnavailable("timed out", 3),
        f"{reference}18": Overloaded("the buffer is full; repeat later", 20),
    }
    body = batch(receipt(17), receipt(18))
    answer = await client.post("/v1/store-sales", json=body, headers=POS)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "20")
    assert answer.json()["type"] == "urn:coexist:problem:overloaded"


async def test_rejected_and_unanswered_receipts_are_still_answered_one_by_one(
    world: World, client: Client
) -> None:
    world.buffer.failure = StoreUnavailable("timed out")
    found = await results(client, batch(receipt(17), receipt(18, total="1.00")))
    assert [each["status"] for each in found] == ["retry", "rejected"]


async def test_a_batch_larger_than_what_goes_at_once_is_taken_whole() -> None:
    world = World(plan=Plan(body_bytes_max=1_000_000))
    receipts = [receipt(n) for n in range(1, 150)]
    async with client_of(world) as client:
        found = await results(client, batch(*receipts, receipt(1)))
    assert [each["sequence"] for each in found] == [*range(1, 150), 1]
    assert {each["status"] for each in found[:-1]} == {"accepted"}
    assert found[-1]["status"] == "replayed"
    assert len(world.buffer.entries) == 149


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (batch(receipt(1), store="XX-9"), "/store", "store 'XX-9' is not known; check its code"),
        (
            batch(receipt(1), store="DE-001"),
            "/store",
            "channel 'pos' may not name legal entity 'DE01'; it may name NL01",
        ),
        (batch(), "/transactions", "needs at least 1 item(s); given is an array of 0"),
        (batch("text"), "/transactions/0", 'must be an object; given is "text"'),
        ({"transactions": [receipt(1)]}, "/store", "is required"),
    ],
)
async def test_a_batch_that_is_wrong_as_a_whole_is_refused_as_a_whole(
    body: dict[str, Any], pointer: str, detail: str, world: World, client: Client
) -> None:
    answer = await client.post("/v1/store-sales", json=body, headers=POS)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": pointer, "detail": detail}]
    assert not world.buffer.entries


async def test_a_batch_has_no_idempotency_key(world: World, client: Client) -> None:
    answer = await client.post(
        "/v1/store-sales", json=batch(receipt(1)), headers=sent_by("pos", idempotency_key="k")
    )
    assert answer.status_code == 400
    assert answer.json()["detail"] == (
        "Idempotency-Key is not used for batches: each item is keyed by its receipt (store, "
        "business date, register, sequence); leave the header out"
    )
    assert not world.buffer.entries


async def test_store_sales_need_their_scope(client: Client) -> None:
    answer = await client.post(
        "/v1/store-sales", json=batch(receipt(1)), headers=sent_by("webshop")
    )
    assert answer.status_code == 403
