"""What staff ask of the ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.canonical.exchange import Wanted
from gateway.ports import Casebook
from gateway.store.ledger import SqlLedger
from tests.contract.stream import START, Stream

pytestmark = pytest.mark.anyio


def body(sku: str, total: str, currency: str = "EUR") -> dict[str, Any]:
    return {"currency": currency, "total": total, "lines": [{"line": 1, "sku": sku}]}


async def test_exceptions_are_counted_sorted_filtered_and_added_up_exactly(
    ledger: SqlLedger,
) -> None:
    conforms: Casebook = ledger
    stream = Stream()
    ids = [
        stream.accept(f"order:webshop:S-{n}", body=body(sku, total))
        for n, (sku, total) in enumerate((("CAP", "0.10"), ("CAP_2", "0.20"), ("TEE", "9.00")))
    ]
    for identity, cause in zip(ids, ("unknown-item", "unknown-item", "poison"), strict=True):
        stream.add("held", identity, cause=cause, detail="no")
    await ledger.project(stream.partition, stream.events)
    tallies = await conforms.tallies(Wanted(cause="unknown-item"))
    assert [(it.count, it.parts, it.currency) for it in tallies] == [(2, 3000, "EUR")]
    listed = await conforms.exceptions(Wanted(), 0, 9)
    assert [it.transaction_id for it in listed] == [ids[2], ids[1], ids[0]]
    assert listed[0].deadline_ms == int((START + timedelta(seconds=300)).timestamp() * 1000)
    assert [it.parts for it in await conforms.exceptions(Wanted(sku="CAP"), 0, 9)] == [1000]
    assert [it.parts for it in await conforms.exceptions(Wanted(), 1, 1)] == [2000]
    assert await conforms.exception_ids(Wanted(cause="poison"), 5) == [(ids[2], "order.intake")]
    assert await conforms.exceptions(Wanted(scopes=()), 0, 9) == []
    scoped = Wanted(scopes=(("order.intake", "poison"), ("store.sale", "unknown-item")))
    assert len(await conforms.exceptions(scoped, 0, 9)) == 1


async def test_an_edit_keeps_the_original_and_a_discard_ends_it(ledger: SqlLedger) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1", body=body("CAP", "0.10"))
    stream.add("held", identity, cause="unknown-item", detail="no")
    for n, sku in enumerate(("TEE", "HAT"), start=1):
        stream.add("edited", identity, revision=f"{n}", by="ada", reason="typo", patch="{}",
                   body=json.dumps(body(sku, "0.10")))  # fmt: skip
    await ledger.project(stream.partition, stream.events)
    assert await ledger.original_of(identity) == body("CAP", "0.10")
    record = await ledger.transaction(identity)
    assert record is not None
    assert record.body == body("HAT", "0.10")
    assert len(await ledger.exceptions(Wanted(sku="HAT"), 0, 9)) == 1
    history = await ledger.history_of(identity)
    assert [it.kind for it in history] == ["accepted", "held", "edited", "edited"]
    stream.add("discarded", identity, by="lee", reason="a test", cause="unknown-item")
    await ledger.project(stream.partition, stream.events)
    assert await ledger.exceptions(Wanted(), 0, 9) == []
    record = await ledger.transaction(identity)
    assert record is not None
    assert (record.state, record.detail) == ("discarded", "a test")


async def test_what_is_parked_comes_in_pages_in_the_order_of_acceptance(ledger: SqlLedger) -> None:
    stream = Stream()
    ids = [
        stream.accept(f"order:webshop:S-{n}", owner="", route="hold", body=body("CAP", "1.00"))
        for n in range(5)
    ]
    await ledger.project(stream.partition, stream.events)
    first = await ledger.parked((0, ""), 3)
    rest = await ledger.parked(first[-1].place, 3)
    assert [it.transaction_id for it in (*first, *rest)] == ids
    assert {it.parts for it in first} == {10_000}
    assert first[0].facts["legal_entity"] == "NL01"


async def test_the_busiest_minute_is_by_erp(ledger: SqlLedger) -> None:
    stream = Stream()
    for n in range(4):
        identity = stream.accept(f"order:webshop:S-{n}", owner="cloud" if n else "legacy")
        stream.add("booked", identity, document="1", result="")
    await ledger.project(stream.partition, stream.events)
    found = await ledger.busiest_minute(START - timedelta(hours=1))
    assert found == {"cloud": 3, "legacy": 1}
    assert await ledger.busiest_minute(START + timedelta(hours=1)) == {}
