"""Schema surprises of every intake: accepted, counted, and kept word for word in the ledger.

Each is a field nobody announced, a null or a new word. Real buffer doubles, intakes and ledger.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.canonical.exchange.drifting import Drift
from gateway.canonical.unmapped import why_unmapped
from gateway.channels.amazon.settlement import SettlementFile
from gateway.observe.drifts import DriftTally
from gateway.store.ledger import SqlLedger
from tests.unit.api.test_loop_hooks import client, tell, world
from tests.unit.api.test_shopify_hooks import Client, deliver, sent
from tests.unit.api.world import World
from tests.unit.channels.amazon_bench import EAGER, Bench
from tests.unit.channels.loop_payloads import row, snapshot
from tests.unit.channels.poslogs import items, log, read, sale, tender, total, transaction
from tests.unit.channels.settlement_files import COLUMNS, ROWS, settlement, stream
from tests.unit.channels.shopify_payloads import ORDER_ID, item, order, refund
from tests.unit.channels.shopify_payloads import row as refunded

__all__ = ["client", "world"]

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KINDS = ("field", "null", "value")
AMOUNT = "<Amount>16.00</Amount>"
MOON = {"phase": "full", "of": ["sea", "land"]}


async def kept(tally: DriftTally, ledger: SqlLedger, channel: str) -> dict[str, Drift]:
    """What the ledger has of a channel, by what it is of."""
    await tally.flush(ledger, NOW, 99)
    found = await ledger.drifts(channel, 99)
    assert {(it.first_at, it.last_at) for it in found} <= {(NOW, NOW)}
    return {f"{it.payload} {it.kind} {it.path} {it.value}".strip(): it for it in found}


async def whole(ledger: SqlLedger, channel: str, *references: object) -> list[str]:
    """What is kept whole of references, in any order."""
    found = [it for name in references for it in await ledger.payloads(str(name), channel)]
    assert {it.at for it in found} == {NOW}
    return sorted(it.text for it in found)


def said(found: dict[str, Drift]) -> dict[str, tuple[int, str]]:
    return {name: (it.count, it.example) for name, it in found.items()}


async def test_a_shop_s_orders_cancellations_and_refunds(
    world: World, client: Client, ledger: SqlLedger
) -> None:
    line = item(0, "TEE-BLK-M", 1, "61.90") | {"moon": MOON}
    odd = order(line_items=[line], moon=MOON, source_name=None, financial_status="settled")
    assert await deliver(client, "orders/create", odd, number="1") == ["order"]
    assert await deliver(client, "orders/create", odd, number="2") == []
    gone = order(
        line_items=[line], cancelled_at="2026-11-21T11:00:00+01:00", cancel_reason="eclipse",
        updated_at="2026-11-21T11:00:00+01:00",
    )  # fmt: skip
    assert await deliver(client, "orders/cancelled", gone, number="3") == ["cancellation"]
    back = refund(refunded(0, 1, "61.90", "eclipsed"), paid="61.90") | {"moon": None}
    back["refund_line_items"][0] |= {"moon_set": MOON, "quantity": 1}
    back["transactions"][0] |= {"status": "floating"}
    back["created_at"] = None
    await deliver(client, "refunds/create", back, number="4")
    assert len(sent(world)) == 2, "the shop's goods come back elsewhere"
    found = await kept(world.observer.tally, ledger, "shop")
    moon = json.dumps(MOON, separators=(",", ":"))
    of, by = f"in {ORDER_ID}", f"in {back['id']}"
    assert said(found) == {
        "order field moon": (2, f"{moon} {of}"),
        "order field line_items.moon": (3, f"{moon} {of}"),
        "order null source_name": (2, f"null {of}"),
        "order value financial_status settled": (2, f'"settled" {of}'),
        "order value cancel_reason eclipse": (1, f'"eclipse" {of}'),
        "refund field moon": (1, f"null {by}"),
        "refund null created_at": (1, f"null {by}"),
        "refund value refund_line_items.restock_type eclipsed": (1, f'"eclipsed" {by}'),
        "refund value transactions.status floating": (1, f'"floating" {by}'),
        "refund field refund_line_items.moon_set": (1, f"{moon} {by}"),
    }
    texts = await whole(ledger, "shop", ORDER_ID, back["id"])
    assert [*map(json.loads, texts)] == sorted([odd, gone, back], key=json.dumps), "each once"
    assert found["order value cancel_reason eclipse"].reference == str(ORDER_ID)
    assert found["refund null created_at"].reference == str(back["id"])


async def test_a_returns_platform_s_snapshots(
    world: World, client: Client, ledger: SqlLedger
) -> None:
    await deliver(client, "orders/create", order(), number="0")
    odd = snapshot(row(0, "18.45") | {"moon": MOON}, state="closed", moon=MOON, refunds=None)
    assert await tell(client, odd) == ["return"]
    assert await tell(client, odd) == [], "said twice, counted twice, credited once"
    assert await tell(client, odd | {"state": "On Holiday"}) == []
    found = await kept(world.observer.tally, ledger, "loop")
    moon = json.dumps(MOON, separators=(",", ":"))
    assert said(found) == {
        "return field moon": (3, f"{moon} in 512345"),
        "return field line_items.moon": (3, f"{moon} in 512345"),
        "return null refunds": (3, "null in 512345"),
        "return value state on holiday": (1, '"On Holiday" in 512345'),
    }
    texts = [json.loads(it) for it in await whole(ledger, "loop", 512345)]
    assert sorted(it["state"] for it in texts) == ["On Holiday", "closed"]
    assert [it | {"state": "closed"} for it in texts] == [odd, odd]


async def test_a_marketplace_s_orders_and_notifications(bench: Bench, ledger: SqlLedger) -> None:
    """As the simulated one breaks them, in each way."""
    for mode in ("unknown_field", "null", "new_enum"):
        bench.there.fault("schema_surprise", mode=mode)
        placed = bench.there.place()
        assert await bench.puller(EAGER).look() == 1
        bench.there.heal()
        assert not why_unmapped(bench.taken()[placed["id"]])
    found = await kept(bench.seen.tally, ledger, bench.channel)
    kinds = {(it.payload, it.kind) for it in found.values()}
    assert kinds == {(of, it) for of in ("order", "notification") for it in KINDS}
    for it in found.values():
        value, _, name = it.example.rpartition(" in ")
        assert json.loads(value) is not Ellipsis, "as it stood there"
        assert name.count("-") == 2, "an order's id"
        assert it.count >= 1
        texts = [
            each.text
            for each in await ledger.payloads(it.reference, bench.channel)
            if each.payload == it.payload and f"{it.kind}:{it.path}" in " ".join(each.found)
        ]
        assert texts, "kept whole"
        assert all(it.reference in text for text in texts)
        if it.kind == "field":
            assert any(it.path.rpartition(".")[2] in text for text in texts)


def odd_log() -> bytes:
    lines = (
        sale(1, more="<MoonPhase Of='sea'>full</MoonPhase>"),
        sale(2, price="5.00", kind="Return"), tender("16.00", code="Gift"), total("16.00"),
    )  # fmt: skip
    return log(transaction(1, *lines), transaction(2, *lines, status=" TransactionStatus='Odd'"))


async def test_a_store_s_log(ledger: SqlLedger) -> None:
    with read(odd_log()) as reading:
        surprises = reading.surprises.of("day.xml")
    assert [it.mark for it in items(odd_log())] == [None, None], "both are receipts"
    tally = DriftTally()
    for it in surprises:
        tally.note("pos", "poslog", it)
    found = said(await kept(tally, ledger, "pos"))
    at = "Transaction.RetailTransaction"
    assert found == {
        f"poslog field {at}.LineItem.Sale.MoonPhase": (
            2, '<MoonPhase Of="sea">full</MoonPhase> in line 3 of day.xml'
        ),
        f"poslog value {at}.LineItem.Tender.TypeCode Gift": (
            2,
            f'<Tender TenderType="Cash" TypeCode="Gift">{AMOUNT}</Tender> in line 3 of day.xml',
        ),
        f"poslog value {at}.TransactionStatus Odd": (
            1, found[f"poslog value {at}.TransactionStatus Odd"][1]
        ),
    }  # fmt: skip
    with read(odd_log()) as reading:
        wholes = reading.surprises.wholes.held
    assert [it.reference.rpartition("/")[2] for it in wholes] == ["1", "2"]
    assert all(it.text.startswith("<Transaction") for it in wholes)
    assert '<MoonPhase Of="sea">full</MoonPhase>' in wholes[0].text
    tally.keep("pos", "poslog", wholes)
    await kept(tally, ledger, "pos")
    assert await whole(ledger, "pos", *(it.reference for it in wholes)) == sorted(
        it.text for it in wholes
    )


async def test_a_settlement_s_columns_and_kinds_of_rows(ledger: SqlLedger) -> None:
    odd = {**ROWS[0], "transaction-type": "Moon Fee", "amount": "0.00", "moon-phase": "full"}
    content = settlement([*ROWS, odd, odd], columns=(*COLUMNS, "moon-phase"))
    reading = SettlementFile(stream(content))
    taken = list(reading.rows())
    assert taken[-1].extra == (("moon-phase", "full"),), "kept with the row"
    tally = DriftTally()
    for it in reading.surprises("s.txt"):
        tally.note("amazon", "settlement", it)
    assert said(await kept(tally, ledger, "amazon")) == {
        "settlement field moon-phase": (2, "full in line 10 of s.txt"),
        "settlement value component Moon Fee / ItemPrice / Principal": (
            2, "0.00 in line 10 of s.txt"
        ),
    }  # fmt: skip
    whole_rows = [json.loads(it.text) for it in reading.wholes.held]
    assert [it | odd for it in whole_rows] == whole_rows
    assert len(whole_rows) == 2
    assert set(reading.wholes.held[0].found) == {
        "field:moon-phase", "value:component=Moon Fee / ItemPrice / Principal",
    }  # fmt: skip
    tally.keep("amazon", "settlement", reading.wholes.held)
    found = await kept(tally, ledger, "amazon")
    row_of = found["settlement field moon-phase"].reference
    assert row_of == odd.get("order-id")
    texts = await whole(ledger, "amazon", row_of)
    assert [*map(json.loads, texts)] == whole_rows[:1], "alike, so once"


async def test_what_comes_again_keeps_its_first_example(ledger: SqlLedger) -> None:
    first, later = DriftTally(), DriftTally()
    with read(odd_log()) as reading:
        for it in reading.surprises.of("mon.xml"):
            first.note("till", "poslog", it)
        for it in reading.surprises.of("tue.xml"):
            later.note("till", "poslog", it)
    await first.flush(ledger, NOW, 99)
    await later.flush(ledger, NOW + timedelta(days=1), 99)
    for drift in await ledger.drifts("till", 99):
        assert drift.example.endswith("of mon.xml")
        assert (drift.first_at, drift.last_at) == (NOW, NOW + timedelta(days=1))
        assert drift.count in {2, 4}
