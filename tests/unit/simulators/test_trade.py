from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from simulators.books import Document, Draft, Kind, Line
from simulators.catalogue import load_catalogue
from simulators.cloud import errors as cloud_errors
from simulators.customers import Customers
from simulators.legacy import store as legacy_store
from simulators.options import Options
from simulators.refusals import Refusal, Why
from simulators.trade import Series, Trade
from tests.unit.simulators.drivers import HandClock

TEES = Line(1, "TEE-BLK-M", Decimal(3), Decimal("19.95"), Decimal("59.85"))
CAP = Line(2, "CAP-NVY-ONE", Decimal(1), Decimal("17.50"), Decimal("17.50"))


class World:
    """A trade on a hand clock; `options` may be replaced."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.options = Options(ship_after_s=100.0)
        self.trade = Trade(
            customers=Customers(str, 1),
            items=load_catalogue(),
            clock=self.clock,
            options=lambda: self.options,
            number=Series({kind: (f"{kind.value}-", 1, 4) for kind in Kind}),
            chance=Random(1),
        )

    def order(self, reference: str = "SHOP-1", **more: object) -> Document:
        return self.trade.book(draft(object_reference=reference, **more))

    def cancel(self, reference: str = "SHOP-1", **quantities: int) -> Document:
        lines = tuple(
            Line(int(name[1:]), "", Decimal(quantity), Decimal(0), Decimal(0))
            for name, quantity in quantities.items()
        )
        wish = draft(
            kind=Kind.CANCELLATION,
            object_reference=reference,
            lines=lines,
            currency="",
            shipping=Decimal(0),
        )
        return self.trade.book(wish)


@pytest.fixture
def world() -> World:
    return World()


def draft(**changes: object) -> Draft:
    fields: dict[str, object] = {
        "kind": Kind.ORDER,
        "external_reference": "CX-1",
        "object_reference": "SHOP-1",
        "channel": "",
        "legal_entity": "NL01",
        "currency": "EUR",
        "lines": (TEES, CAP),
        "shipping": Decimal("4.95"),
        "dated": date(2026, 11, 21),
    }
    return Draft(**{**fields, **changes})  # type: ignore[arg-type]


def figures(document: Document) -> tuple[dict[int, int], Decimal, str | None]:
    return (
        {line.line: int(line.quantity) for line in document.lines},
        document.total,
        document.outcome,
    )


# ---------------------------------------------------------------------- booking


def test_an_order_is_booked_with_the_sum_of_its_parts(world: World) -> None:
    document = world.order(tax=Decimal("1.00"))
    assert document.total == Decimal("83.30")
    assert (document.sequence, document.number, document.outcome) == (1, "order-0001", None)
    assert document.booked_at == world.clock.now()


def test_the_same_reference_twice_is_booked_twice(world: World) -> None:
    assert [world.order().sequence, world.order().sequence] == [1, 2]
    assert len(world.trade.books.since(0)) == 2


@pytest.mark.parametrize(
    ("changes", "why", "fact"),
    [
        ({"legal_entity": "FR01"}, Why.UNKNOWN_COMPANY, ("company", "FR01")),
        ({"currency": "USD"}, Why.UNKNOWN_CURRENCY, ("currency", "USD")),
        ({"lines": ()}, Why.NO_LINES, None),
        ({"lines": (TEES, TEES)}, Why.DOUBLE_LINE, ("line", "1")),
        (
            {"lines": (Line(1, "NOPE", Decimal(1), Decimal(1), Decimal(1)),)},
            Why.UNKNOWN_ITEM,
            ("sku", "NOPE"),
        ),
        (
            {"lines": (Line(1, "TEE-BLK-M", Decimal(0), Decimal(1), Decimal(0)),)},
            Why.BAD_QUANTITY,
            ("quantity", "0"),
        ),
        (
            {"lines": (Line(1, "TEE-BLK-M", Decimal(-1), Decimal(1), Decimal(1)),)},
            Why.BAD_QUANTITY,
            ("quantity", "-1"),
        ),
        (
            {"lines": (Line(1, "TEE-BLK-M", Decimal(1), Decimal(1), Decimal(-1)),)},
            Why.BAD_AMOUNT,
            ("amount", "-1"),
        ),
        (
            {"stated": (("Sum", Decimal("1.00"), Decimal("1.01")),)},
            Why.CONTROL_TOTAL,
            ("computed", "1.01"),
        ),
        (
            {"kind": Kind.RETURN, "object_reference": "NEVER"},
            Why.UNKNOWN_ORDER,
            ("reference", "NEVER"),
        ),
        (
            {"kind": Kind.CANCELLATION, "object_reference": "NEVER"},
            Why.UNKNOWN_ORDER,
            ("reference", "NEVER"),
        ),
    ],
)
def test_what_a_rule_forbids_changes_nothing(
    world: World, changes: dict[str, object], why: Why, fact: tuple[str, str] | None
) -> None:
    stock = world.trade.stock("NL01", "TEE-BLK-M")
    with pytest.raises(Refusal) as caught:
        world.trade.book(draft(**changes))
    assert caught.value.why is why
    if fact is not None:
        assert caught.value.facts[fact[0]] == fact[1]
    assert world.trade.books.last_sequence == 0
    assert world.trade.stock("NL01", "TEE-BLK-M") == stock


def test_no_document_is_booked_into_a_closed_period(world: World) -> None:
    world.options = Options(closed_periods=("2026-10",))
    world.order(dated=date(2026, 11, 1))
    with pytest.raises(Refusal) as caught:
        world.order(dated=date(2026, 10, 31))
    assert caught.value.facts == {"period": "2026-10", "date": "2026-10-31"}


def test_stock_falls_with_orders_and_sales_and_rises_with_returns_and_cancellations(
    world: World,
) -> None:
    def sold() -> int:
        return int(before - world.trade.stock("NL01", "TEE-BLK-M"))

    before = world.trade.stock("NL01", "TEE-BLK-M")
    world.order()
    assert sold() == 3
    world.trade.book(draft(kind=Kind.STORE_SALE, object_reference="NL-001/2026-11-21/1/1"))
    assert sold() == 6
    world.trade.book(draft(kind=Kind.RETURN))
    assert sold() == 3
    world.cancel(l1=2)
    assert sold() == 1
    assert world.trade.stock("DE01", "TEE-BLK-M") == before, "another company, another stock"


# ---------------------------------------------------------------------- follow-ups


def test_a_follow_up_finds_only_its_companys_orders_and_inherits_what_it_leaves_out(
    world: World,
) -> None:
    world.order()
    with pytest.raises(Refusal) as caught:
        world.trade.book(draft(kind=Kind.RETURN, legal_entity="DE01"))
    assert caught.value.why is Why.UNKNOWN_ORDER
    document = world.trade.book(draft(kind=Kind.RETURN, legal_entity="", currency=""))
    assert (document.legal_entity, document.currency) == ("NL01", "EUR")


def test_an_order_not_shipped_is_cancelled_whole(world: World) -> None:
    order = world.order(tax=Decimal("1.00"))
    document = world.cancel()
    assert figures(document) == ({1: 3, 2: 1}, order.total, "cancelled")


def test_partial_cancellations_add_up_to_the_order(world: World) -> None:
    order = world.order()
    first, second = world.cancel(l1=1), world.cancel(l1=2)
    assert figures(first) == ({1: 1}, Decimal("19.95"), "partly")
    assert figures(second) == ({1: 2}, Decimal("39.90"), "partly")
    last = world.cancel(l1=1, l2=5)  # nothing left of line 1, more asked of line 2 than there is
    assert figures(last) == ({2: 1}, Decimal("22.45"), "cancelled")
    assert first.total + second.total + last.total == order.total


def test_cents_lost_in_parts_come_back_with_the_last_one(world: World) -> None:
    line = Line(1, "TEE-BLK-M", Decimal(3), Decimal("3.33"), Decimal("10.00"))
    order = world.order(lines=(line,), shipping=Decimal(0))
    totals = [world.cancel(l1=1).total for _ in range(3)]
    assert totals == [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")]
    assert sum(totals) == order.total


def test_a_shipped_order_is_too_late_to_cancel(world: World) -> None:
    world.order()
    stock = world.trade.stock("NL01", "TEE-BLK-M")
    world.clock.at_s += 120.001  # 100 s and the whole spread of a fifth
    document = world.cancel()
    assert figures(document) == ({}, Decimal(0), "too_late")
    assert world.trade.stock("NL01", "TEE-BLK-M") == stock


def test_orders_ship_a_seeded_while_after_booking(world: World) -> None:
    for place in range(60):
        world.order(f"SHOP-{place}")
    world.clock.at_s += 79.999
    early = [world.cancel("SHOP-0", l2=1).outcome]
    world.clock.at_s += 20.001
    midway = [world.cancel(f"SHOP-{place}", l2=1).outcome for place in range(1, 60)]
    assert early == ["partly"]
    assert 15 <= midway.count("too_late") <= 44, "about half have shipped at 1.0 of the time"


def test_cancelling_twice_takes_nothing_more(world: World) -> None:
    world.order()
    world.cancel()
    assert figures(world.cancel()) == ({}, Decimal(0), "cancelled")


def test_a_line_the_order_does_not_have_cannot_be_cancelled(world: World) -> None:
    world.order()
    with pytest.raises(Refusal) as caught:
        world.cancel(l7=1)
    assert caught.value.facts == {"reference": "SHOP-1", "line": "7"}


# ---------------------------------------------------------------------- old orders


def test_old_orders_are_apart_from_the_books_but_can_be_followed_up(world: World) -> None:
    stock = dict(world.trade._stock)
    old = world.trade.seed_old_orders(3, "L", Random(5))
    assert [document.object_reference for document in old] == [
        "OLD-L-00001",
        "OLD-L-00002",
        "OLD-L-00003",
    ]
    assert [document.sequence for document in old] == [-2, -1, 0]
    assert all(len(document.lines) == 1 and document.legal_entity == "NL01" for document in old)
    assert world.trade.books.since(0) == []
    assert world.trade._stock == stock
    assert world.cancel("OLD-L-00002").outcome == "too_late"
    assert world.trade.book(draft(kind=Kind.RETURN, object_reference="OLD-L-00001")).sequence == 2


def test_old_orders_follow_from_the_seed() -> None:
    def seeded(seed: int) -> list[dict[str, object]]:
        return [
            document.as_json() for document in World().trade.seed_old_orders(9, "C", Random(seed))
        ]

    assert seeded(1) == seeded(1)
    assert seeded(1) != seeded(2)


# ---------------------------------------------------------------------- wordings


@pytest.mark.parametrize("table", [legacy_store.WORDING, cloud_errors.WORDING])
def test_each_erp_words_every_refusal(table: dict[Why, str]) -> None:
    every = {
        "sku": "NOPE",
        "line": 1,
        "customer": "C-1",
        "reference": "SHOP-1",
        "company": "FR01",
        "currency": "USD",
        "quantity": "0",
        "amount": "-1",
        "period": "2026-10",
        "date": "2026-10-31",
        "what": "Sum",
        "sold": "2",
        "expected": "1",
        "came": "1",
        "stated": "1",
        "computed": "2",
    }
    assert set(table) == set(Why)
    for why in Why:
        assert "{" not in Refusal(why, **every).worded(table)
