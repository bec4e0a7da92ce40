"""Shopify's orders become canonical ones: exactly, tolerantly, and with every amount."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.canonical.order import Order
from gateway.channels.shopify import wire
from gateway.channels.shopify.draft import Terms
from gateway.channels.shopify.order import order_of
from gateway.channels.shopify.signature import is_signed, signature
from gateway.errors import BadRequest
from tests.unit.channels.shopify_payloads import LINE_ID, amounts, item, money, order, tax

TERMS = Terms("NL01", "NL")


def mapped(payload: dict[str, Any]) -> dict[str, Any]:
    draft = order_of(wire.read(json.dumps(payload).encode()), TERMS)
    assert draft.problems == []
    return draft.body


def problems(payload: dict[str, Any]) -> dict[str, str]:
    found = order_of(wire.read(json.dumps(payload).encode()), TERMS).problems
    return {it.at: it.detail for it in found}


def test_golden() -> None:
    assert mapped(order()) == {
        "order_ref": "6100000000001",
        "legal_entity": "NL01",
        "ordered_at": "2026-11-21T09:58:59+01:00",
        "updated_at": "2026-11-21T10:00:00+01:00",
        "currency": "EUR",
        "customer": {"ref": "6900000000007", "name": "Pat Sample", "email": "pat@example.com"},
        "ship_to": {
            "name": "Pat Sample", "street": "Example Street 1, 2nd floor", "city": "Exampleton",
            "postal_code": "1000 AA", "country": "NL",
        },
        "tax_included": True,
        "lines": [
            {
                "line": 1, "sku": "TEE-BLK-M", "quantity": 2, "unit_price": "19.95",
                "discount": "3.00", "tax": "6.75", "kind": "goods", "line_ref": str(LINE_ID),
                "taxes": [
                    {"amount": "6.40", "rate": "21", "jurisdiction": "VAT"},
                    {"amount": "0.35", "rate": "1.5", "jurisdiction": "VAT",
                     "channel_liable": True},
                ],
                "discounts": [{"amount": "3.00", "promotion_id": "BF20", "code": "BF20"}],
            },
            {
                "line": 2, "sku": "GIFT-25", "quantity": 1, "unit_price": "25.00",
                "discount": "0.00", "tax": "0.00", "kind": "gift_card",
                "line_ref": str(LINE_ID + 1),
            },
        ],
        "shipping": {
            "amount": "4.95", "tax": "0.86", "service": "Standard",
            "taxes": [{"amount": "0.86", "rate": "21", "jurisdiction": "VAT"}],
        },
        "payment": {"method": "shopify_payments", "status": "paid", "reference": "ABC123"},
        "total": "66.85",
        "tenders": [{"type": "shopify_payments", "amount": "66.85"}],
        "presentment": {"currency": "GBP", "total": "56.82"},
    }  # fmt: skip


def test_tips_duties_fees_and_rounding_are_part_of_the_order() -> None:
    duty = {"id": "1", "price": "7.10", "tax_lines": [tax("1.49")]}
    lines = [item(0, "TEE-BLK-M", 1, "20.00", duties=[duty], tax_lines=[tax("4.20")])]
    found = mapped(
        order(
            line_items=lines, taxes_included=False, total_tip_received="2.50",
            original_total_additional_fees_set=money("0.99"), shipping_lines=[],
            total_cash_rounding_payment_adjustment_set=money("0.02"), total_price="36.28",
        )
    )  # fmt: skip
    fees = [(it["line"], it["sku"], it["unit_price"], it["tax"]) for it in found["lines"][1:]]
    assert fees == [(2, "TIP", "2.50", "0.00"), (3, "DUTIES", "7.10", "1.49"),
                    (4, "FEES", "0.99", "0.00")]  # fmt: skip
    assert {it["kind"] for it in found["lines"][1:]} == {"fee"}
    assert (found["cash_rounding"], found["tenders"][0]["amount"]) == ("0.02", "36.30")


def test_what_the_shop_does_not_know_has_a_stand_in() -> None:
    found = mapped(order(customer=None, shipping_address=None, email=None, source_name=None))
    assert found["customer"] == {"ref": "GUEST", "name": "not given"}
    assert found["ship_to"]["postal_code"] == "0000"
    assert found["ship_to"]["country"] == "NL"


def test_drift_is_named_and_stops_nothing() -> None:
    odd = order(loyalty_tier_v2={"tier": "gold"}, source_name=None, financial_status="settled")
    assert wire.drift(odd) == [
        "field:loyalty_tier_v2", "null:source_name", "value:financial_status=settled",
    ]  # fmt: skip
    assert mapped(odd)["payment"]["status"] == "pending"
    assert wire.drift(order()) == []


def test_what_is_wrong_is_named_with_its_place_and_no_personal_data() -> None:
    lines = [item(0, "TEE BLACK", 1, "20.00"), item(1, "", 1, "1.00")]
    address = order()["shipping_address"] | {"zip": "pat@example.com"}
    found = problems(
        order(line_items=lines, shipping_lines=[], total_price="20.00", shipping_address=address)
    )
    assert {"/lines/0/sku", "/lines/1/sku", "/ship_to/postal_code"} <= set(found)
    assert "TEE BLACK" in found["/lines/0/sku"]
    assert "pat@" not in str(found)
    (said,) = problems(order(total_price="66.80")).values()
    assert "-0.05" in said
    assert "no amount" in problems(order(total_price="1,50"))["/total"]


CENTS = st.integers(0, 50_000).map(lambda n: Decimal(n) / 100)


@st.composite
def carts(draw: st.DrawFn) -> dict[str, Any]:
    """Any cart whose total is what Shopify's arithmetic makes it."""
    included = draw(st.booleans())
    lines, total = [], Decimal(0)
    for at in range(draw(st.integers(1, 6))):
        price, pieces, taxed = draw(CENTS), draw(st.integers(1, 9)), draw(CENTS)
        off = min(draw(CENTS), price * pieces)
        total += price * pieces - off + (0 if included else taxed)
        lines.append(
            item(
                at, f"SKU-{at}", pieces, f"{price:.2f}", tax_lines=[tax(f"{taxed:.2f}")],
                discount_allocations=[{"amount": f"{off:.2f}", "discount_application_index": 0}],
            )
        )  # fmt: skip
    shipping, shipping_tax, tip, fee = (draw(CENTS) for _ in range(4))
    total += shipping + tip + fee + (0 if included else shipping_tax)
    sent = {
        "price": f"{shipping:.2f}", "title": "Post", "tax_lines": [tax(f"{shipping_tax:.2f}")],
        "discount_allocations": [],
    }  # fmt: skip
    return order(
        line_items=lines, taxes_included=included, shipping_lines=[sent],
        total_tip_received=f"{tip:.2f}", original_total_additional_fees_set=money(f"{fee:.2f}"),
        total_price=f"{total:.2f}", presentment_currency="EUR",
        total_price_set=money(f"{total:.2f}"),
    )  # fmt: skip


@given(carts())
@settings(max_examples=60, deadline=None)
def test_sums_hold_and_no_amount_is_lost(cart: dict[str, Any]) -> None:
    found = mapped(cart)
    Order.model_validate(found)
    assert amounts(cart) <= amounts(found)
    untaxed = order_of(cart | {"total_price": "999999.99"}, TERMS)
    assert [it.at for it in untaxed.problems]


def test_a_signature_is_that_of_the_bytes_under_any_of_the_secrets() -> None:
    body = b'{"id": 1}'
    assert is_signed(body, signature(body, "old"), ["new", "old"])
    for sent in (b"", b"\xff", signature(body, "other"), signature(body + b" ", "new")):
        assert not is_signed(body, sent, ["new", "old"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 50_000, b'{"a":"\\ud800"}'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        wire.read(body)


def test_a_number_too_large_to_be_money_is_a_problem_and_no_failure() -> None:
    text = json.dumps(order()).replace('"66.85"', "1e999999")
    assert "/total" in {it.at for it in order_of(wire.read(text.encode()), TERMS).problems}
