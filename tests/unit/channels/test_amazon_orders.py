"""Amazon's orders as canonical orders: nothing rounded, nothing lost, nothing guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.order import Order
from gateway.channels.amazon import wire
from gateway.channels.amazon.followups import since_accepted
from gateway.channels.amazon.order import order_of
from gateway.channels.draft import Draft, Terms
from gateway.channels.known import Known, Said
from tests.unit.channels.amazon_payloads import item, money, order, part

TERMS = Terms("NL01", "NL", "AMAZON")


def made(payload: dict[str, Any]) -> Order:
    draft = order_of(payload, TERMS)
    assert not draft.problems
    return Order.model_validate(draft.body)


def problems(draft: Draft) -> dict[str, str]:
    return {it.at: it.detail for it in draft.problems}


def test_whether_prices_include_their_tax_is_what_makes_the_order_add_up() -> None:
    lines = item(part("ITEM", "39.90"), part("SHIPPING", "3.99"),
                 part("TAX", "7.62", ITEM="6.93", SHIPPING="0.69"))  # fmt: skip
    inside = made(order(lines, total="43.89"))
    assert inside.tax_included
    added = made(order(lines, total="51.51"))
    assert not added.tax_included
    for found in (inside, added):
        assert (found.lines[0].tax, found.shipping.tax) == (Decimal("6.93"), Decimal("0.69"))
        assert found.shipping.amount == Decimal("3.99")
    neither = order_of(order(lines, total="45.00"), TERMS)
    assert any("off" in it for it in problems(neither).values())


def test_discounts_wrapping_and_what_else_is_charged_keep_their_place() -> None:
    lines = item(
        part("ITEM", "100.00"), part("SHIPPING", "12.50"), part("GIFT_WRAP", "3.33"),
        part("SOMETHING_NEW", "1.00"),
        part("DISCOUNT", "7.50", ITEM="5.00", SHIPPING="2.50"),
        part("TAX", "23.83", ITEM="20.00", SHIPPING="2.50", DISCOUNT="1.50", GIFT_WRAP="1.33"),
        promotion={"breakdowns": [{"promotionId": "PROMO-1"}]},
    )  # fmt: skip
    found = made(order(lines, total="133.16"))
    goods, wrap, other = found.lines
    assert (goods.discount, goods.tax) == (Decimal("5.00"), Decimal("20.00"))
    assert goods.discounts[0].promotion_id == "PROMO-1"
    assert (wrap.sku, wrap.amount, wrap.tax) == ("GIFT-WRAP", Decimal("3.33"), Decimal("1.33"))
    assert (other.sku, other.amount) == ("OTHER-FEE", Decimal("1.00"))
    assert (found.shipping.amount, found.shipping.tax) == (Decimal("10.00"), Decimal("2.50"))
    assert not found.tax_included


def test_tax_that_the_marketplace_remits_is_marked() -> None:
    collected = {"taxCollections": [
        {"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services Europe"},
    ]}  # fmt: skip
    first = item(part("ITEM", "39.90"), part("SHIPPING", "3.99"),
                 part("TAX", "7.62", ITEM="6.93", SHIPPING="0.69"), tax=collected)  # fmt: skip
    second = item(part("ITEM", "10.00"), part("SHIPPING", "1.00"),
                  part("TAX", "1.91", ITEM="1.74", SHIPPING="0.17"), number=2)  # fmt: skip
    found = made(order(first, second, total="54.89"))
    assert [(it.amount, it.channel_liable) for it in found.lines[0].taxes] == [
        (Decimal("6.93"), True)
    ]
    assert not found.lines[1].taxes
    assert [(it.amount, it.channel_liable) for it in found.shipping.taxes] == [
        (Decimal("0.69"), True), (Decimal("0.17"), False),
    ]  # fmt: skip


def test_what_amazon_fulfils_says_so_and_needs_no_address() -> None:
    payload = order(by="AMAZON")
    del payload["recipient"], payload["buyer"]
    found = made(payload)
    assert found.fulfilled_by == "channel"
    assert made(order()).fulfilled_by == "retailer"
    assert found.ship_to.country == "NL"
    assert found.customer.ref == "AMAZON"


@given(st.integers(1, 9), st.integers(0, 99_999), st.integers(0, 500))
def test_an_amount_that_does_not_divide_by_its_pieces_is_kept_to_the_cent(
    quantity: int, cents: int, off: int
) -> None:
    price, discount = Decimal(cents + off) / 100, Decimal(off) / 100
    rows = [part("ITEM", f"{price:.2f}")]
    rows += [part("DISCOUNT", f"{discount:.2f}")] if off else []
    found = made(order(item(*rows, quantity=quantity), total=f"{price - discount:.2f}"))
    assert found.total == price - discount == found.lines[0].amount
    assert found.lines[0].quantity == quantity


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"proceeds": {}}, "/total"),
        ({"proceeds": {"grandTotal": {"amount": "a lot", "currencyCode": "EUR"}}}, "/total"),
        ({"orderItems": []}, "/lines"),
        ({"orderItems": [item() | {"proceeds": None}]}, "/lines/0/unit_price"),
        ({"createdTime": "last week"}, "/ordered_at"),
        ({"orderItems": [item() | {"product": {}}]}, "/lines/0/sku"),
        ({"fulfillment": {"fulfillmentStatus": "TELEPORTED"}}, ""),
        ({"fulfillment": None}, ""),
    ],
)
def test_what_cannot_be_mapped_is_a_draft_that_says_what_is_wrong(
    change: dict[str, Any], at: str
) -> None:
    assert at in problems(order_of(order() | change, TERMS))


def known(*said: Said, **change: Any) -> Known:
    return Known(order_of(order(item(quantity=3, **change)), TERMS).body, said)


def cancelled(name: str, **wish: Any) -> Said:
    return Said(
        "order.cancellation",
        f"{order()['orderId']}/{name}",
        {"cancellation": wish or {"reason": "x"}},
    )


def gone(sent: int, to_send: int, ordered: int = 3) -> dict[str, Any]:
    return item(
        quantity=ordered,
        fulfillment={"quantityFulfilled": sent, "quantityUnfulfilled": to_send},
        cancellation={"cancellationExecution": {"cancelledBy": "BUYER"}},
    )


LATER = "2026-11-20T11:00:00.000Z"


def test_pieces_that_are_gone_are_cancelled_once_however_it_is_said() -> None:
    for now in (gone(1, 1), item(quantity=2)):
        (found,) = since_accepted(order(now, updated=LATER), known(), TERMS)
        assert found.draft.body["cancellation"]["lines"] == [{"line": 1, "quantity": 1}]
        assert found.name == "reduced-1"
        assert not found.draft.problems
    before = cancelled("reduced-1", lines=[{"line": 1, "quantity": 1}])
    assert since_accepted(order(gone(1, 1), updated=LATER), known(before), TERMS) == []
    (more,) = since_accepted(order(gone(1, 0), updated=LATER), known(before), TERMS)
    assert more.draft.body["cancellation"]["lines"] == [{"line": 1, "quantity": 1}]
    assert more.name == "reduced-2"


def test_an_order_is_cancelled_as_a_whole_once() -> None:
    now = order(gone(0, 0), status="CANCELLED", updated=LATER)
    (found,) = since_accepted(now, known(), TERMS)
    assert (found.name, found.draft.body["cancellation"]["reason"]) == ("cancelled", "by buyer")
    assert since_accepted(now, known(cancelled("cancelled")), TERMS) == []


def test_an_older_snapshot_a_shipment_and_a_buyers_wish_cancel_nothing() -> None:
    older = order(item(quantity=3), updated="2026-11-20T10:00:00.000Z")
    sent = {"quantityFulfilled": 3, "quantityUnfulfilled": 0}
    shipped = order(item(quantity=3, fulfillment=sent), status="SHIPPED", updated=LATER)
    wish = order(item(quantity=3, cancellation={"cancellationRequest": {"requester": "BUYER"}}),
                 updated=LATER)  # fmt: skip
    for payload in (older, shipped, wish):
        assert since_accepted(payload, known(), TERMS) == []


def test_what_nobody_announced_is_named() -> None:
    surprising = order(item(part("ITEM", "39.90"), part("TIP_JAR", "0.00"), shape="round"),
                       status="TELEPORTED", moonPhase="full")  # fmt: skip
    surprising |= {"programs": ["PRIME", "MOON_DELIVERY"], "buyer": None}
    assert set(wire.drift(surprising)) == {
        "field:moonPhase", "field:orderItems.shape", "null:buyer", "value:programs=MOON_DELIVERY",
        "value:fulfillmentStatus=TELEPORTED", "value:breakdowns.type=TIP_JAR",
    }  # fmt: skip
    assert wire.drift(order()) == []
    assert money("1")["amount"] == "1"


json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(order())), json))
def test_no_payload_breaks_the_mapping(change: dict[str, Any]) -> None:
    payload = order() | change
    order_of(payload, TERMS)
    wire.drift(payload)
    since_accepted(payload, known(), TERMS)


@given(st.dictionaries(st.sampled_from(sorted(item())), json))
def test_no_item_breaks_the_mapping(change: dict[str, Any]) -> None:
    payload = order(item() | change)
    order_of(payload, TERMS)
    wire.drift(payload)
    since_accepted(payload, known(), TERMS)
