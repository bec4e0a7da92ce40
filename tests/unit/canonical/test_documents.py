"""Canonical documents: parts add up to the minor unit, and an error names the difference."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from gateway.canonical.customer import CustomerRecord
from gateway.canonical.inventory import InventoryEvent, Movement
from gateway.canonical.journal import Journal
from gateway.canonical.order import Order
from gateway.canonical.refund import Refund
from gateway.canonical.shipment import Shipment

ORDER: dict[str, Any] = {
    "order_ref": "S-1001",
    "legal_entity": "NL01",
    "ordered_at": "2026-11-27T10:00:00Z",
    "currency": "EUR",
    "customer": {"ref": "C-1", "name": "Pat Sample"},
    "ship_to": {"name": "Pat Sample", "street": "Example Street 1", "city": "Utrecht",
                "postal_code": "3500 AA", "country": "NL"},
    "tax_included": False,
    "lines": [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "unit_price": "20.00", "discount": "5.00",
         "tax": "7.35",
         "taxes": [{"amount": "7.00", "rate": "20", "jurisdiction": "NL", "channel_liable": True},
                   {"amount": "0.35", "rate": "1"}],
         "discounts": [{"amount": "3.00", "promotion_id": "BF-2026", "code": "BF20"},
                       {"amount": "2.00", "promotion_id": "BRAND", "funded_by": "supplier"}]},
        {"line": 2, "sku": "GIFT-25", "quantity": 1, "unit_price": "25.00", "kind": "gift_card"},
    ],
    "shipping": {"amount": "4.95", "tax": "1.04", "taxes": [{"amount": "1.04"}]},
    "payment": {"method": "card"},
    "total": "73.34",
    "tenders": [{"type": "card", "amount": "63.35"}, {"type": "gift_card", "amount": "10.00"}],
    "cash_rounding": "0.01",
    "presentment": {"currency": "GBP", "total": "62.90"},
    "loyalty": {"account": "L-77", "earned": 73, "redeemed": 100},
    "exchange_of": "R-9",
    "store": "NL-001",
}  # fmt: skip


def refused(model: type[BaseModel], document: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as error:
        model.model_validate(document)
    return "; ".join(it["msg"] for it in error.value.errors())


def changed(document: dict[str, Any], *path: str | int, to: object) -> dict[str, Any]:
    copy: Any = {**document}
    if len(path) == 1:
        copy[path[0]] = to
    else:
        inner = copy[path[0]]
        if isinstance(inner, list):
            inner = list(inner)
            inner[int(path[1])] = changed(inner[int(path[1])], *path[2:], to=to)
            copy[path[0]] = inner
        else:
            copy[path[0]] = changed(inner, *path[1:], to=to)
    return copy  # type: ignore[no-any-return]


def test_an_order_with_all_its_parts_is_read_and_written_back() -> None:
    order = Order.model_validate(ORDER)
    assert Order.model_validate_json(order.model_dump_json()) == order
    assert order.lines[0].taxes[0].channel_liable
    assert order.lines[0].discounts[1].funded_by == "supplier"


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("lines", 0, "taxes"), [{"amount": "7.34"}],
         "tax 7.35 is 0.01 off: its parts add up to 7.34"),
        (("lines", 0, "discounts"), [{"amount": "5.01", "promotion_id": "X"}],
         "discount 5.00 is -0.01 off"),
        (("shipping", "taxes"), [{"amount": "1.00"}], "tax 1.04 is 0.04 off"),
        (("tenders",), [{"type": "card", "amount": "73.34"}], "total 73.35 is 0.01 off"),
        (("cash_rounding",), "0.00", "total 73.34 is -0.01 off: its parts add up to 73.35"),
        (("lines", 0, "taxes"), [{"amount": "7.35", "rate": "0.21e2"}], "String should match"),
        (("lines", 0, "kind"), "voucher", "Input should be 'goods'"),
        (("tenders",), [{"type": "card", "amount": "73.35", "card_number": "4111"}],
         "Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_parts_that_do_not_add_up_are_refused(
    path: tuple[str | int, ...], to: object, said: str
) -> None:
    assert said in refused(Order, changed(ORDER, *path, to=to))


def test_an_order_whose_lines_do_not_make_its_total_is_refused() -> None:
    said = refused(Order, {**ORDER, "total": "73.35", "tenders": []})
    assert "total 73.35 EUR is 0.01 off: its parts add up to 73.34" in said


REFUND: dict[str, Any] = {
    "refund_ref": "RF-1", "order_ref": "S-1001", "legal_entity": "NL01",
    "refunded_at": "2026-12-01T10:00:00Z", "currency": "EUR",
    "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "amount": "21.18", "tax": "3.68"}],
    "shipping": "4.95",
    "adjustments": [{"reason": "restocking", "amount": "-2.00"}],
    "tenders": [{"type": "card", "amount": "24.13"}],
    "total": "24.13",
}  # fmt: skip


def test_a_refund_adds_up_with_what_it_keeps() -> None:
    assert Refund.model_validate(REFUND).total == Decimal("24.13")
    without = {**REFUND, "adjustments": []}
    assert "total 24.13 EUR is -2.00 off" in refused(Refund, without)


def test_a_shipment_names_each_line_once() -> None:
    line = {"line": 1, "sku": "TEE-BLK-M", "quantity": 1}
    shipment = {
        "shipment_ref": "SH-1", "order_ref": "S-1001", "legal_entity": "NL01", "carrier": "PostNL",
        "shipped_at": "2026-12-01T10:00:00Z", "lines": [line],
    }  # fmt: skip
    assert not Shipment.model_validate(shipment).completes
    assert "line 1 occurs twice" in refused(Shipment, {**shipment, "lines": [line, line]})


@pytest.mark.parametrize("movement", Movement)
@pytest.mark.parametrize("quantity", [-3, 0, 3])
def test_the_sign_of_a_quantity_is_its_meaning(movement: Movement, quantity: int) -> None:
    event = {
        "event_ref": "E-1", "legal_entity": "NL01", "sku": "TEE-BLK-M", "node": "DC-1",
        "movement": movement, "quantity": quantity, "occurred_at": "2026-12-01T10:00:00Z",
    }  # fmt: skip
    rises, falls = {"receipt", "return", "release"}, {"sale", "reservation"}
    wrong = (
        (movement in rises and quantity <= 0)
        or (movement in falls and quantity >= 0)
        or (movement == "count" and quantity < 0)
    )
    if wrong:
        assert f"a {movement} has a quantity" in refused(InventoryEvent, event)
    else:
        assert InventoryEvent.model_validate(event).quantity == quantity


def journal(*lines: tuple[str, str]) -> dict[str, Any]:
    return {
        "journal_ref": "J-1", "legal_entity": "NL01", "posting_date": "2026-11-30",
        "currency": "EUR",
        "lines": [
            {"account": "1000", "text": "clearing", "debit": debit, "credit": credit}
            for debit, credit in lines
        ],
    }  # fmt: skip


def test_a_journal_balances() -> None:
    assert len(Journal.model_validate(journal(("10.00", "0"), ("0", "10.00"))).lines) == 2
    said = refused(Journal, journal(("10.00", "0"), ("0", "9.99")))
    assert "debits 10.00 EUR and credits 9.99 differ by 0.01" in said
    assert "give debit or credit" in refused(Journal, journal(("1", "1"), ("0", "0")))
    assert "more places than EUR" in refused(Journal, journal(("1.001", "0"), ("0", "1.001")))


def test_a_customer_record_is_a_customer_with_addresses() -> None:
    record = {"ref": "C-1", "name": "Pat Sample", "legal_entity": "NL01",
              "addresses": [ORDER["ship_to"]], "tax_id": "NL000000000B00"}  # fmt: skip
    assert CustomerRecord.model_validate(record).addresses[0].city == "Utrecht"


amounts = st.decimals(min_value=0, max_value=10_000, places=2)


@given(st.lists(amounts, min_size=1, max_size=8), st.booleans())
def test_any_split_of_an_amount_is_taken_and_any_other_sum_is_not(
    parts: list[Decimal], off: bool
) -> None:
    tax = sum(parts, Decimal(0)) + (Decimal("0.01") if off else 0)
    line = {
        "line": 1, "sku": "A", "quantity": 1, "unit_price": "0.00", "tax": f"{tax:.2f}",
        "taxes": [{"amount": f"{part:.2f}"} for part in parts],
    }  # fmt: skip
    order = {**ORDER, "lines": [line], "shipping": {}, "tenders": [], "total": f"{tax:.2f}"}
    if off:
        assert "is 0.01 off" in refused(Order, order)
    else:
        assert Order.model_validate(order).lines[0].tax == tax
