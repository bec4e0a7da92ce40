"""An order's payload as a canonical order: as it was sold, whatever happened to it since.

``quantity`` and ``total_price`` of a payload stay what they were when the order was placed; what
is left of it stands in ``current_…``. So any snapshot of an order gives the same order, and what
happened since is told apart in :mod:`gateway.channels.shopify.followups`.

Tips, duties and additional fees have no line in a payload, but are part of its total: they become
lines of kind ``fee``. Nothing is rounded; a payload whose parts do not add up is not mapped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from gateway.canonical.order import Order
from gateway.channels.shopify import wire
from gateway.channels.shopify.draft import Draft, Terms
from gateway.channels.shopify.wire import ZERO, Payload, plain

#: What stands for a part of an address that the shop was not told.
NOT_GIVEN: Final = "not given"
NO_POSTAL_CODE: Final = "0000"

#: SKUs of lines the payload has no article for; a crosswalk may name them differently.
TIP, DUTIES, FEES = "TIP", "DUTIES", "FEES"

_EMAIL: Final = re.compile(r"[^@\s]{1,100}@[^@\s]{1,100}")
_RATE: Final = re.compile(r"(?:0|[1-9][0-9]?)(?:\.[0-9]{1,6})?")
_TENDER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
_PAID: Final = {
    "paid": "paid", "partially_refunded": "paid", "refunded": "paid", "authorized": "authorised",
}  # fmt: skip


def order_of(payload: Payload, terms: Terms, judge: Callable[[Order], None] | None = None) -> Draft:
    """Return an order's draft; ``judge`` raises ``Invalid`` for what a form cannot know."""
    made = Draft()
    made.body |= {
        "order_ref": wire.text(payload, "id"),
        "legal_entity": terms.legal_entity,
        "ordered_at": wire.text(payload, "processed_at") or wire.text(payload, "created_at"),
        "currency": wire.text(payload, "currency"),
        "customer": _customer(payload, terms),
        "ship_to": _address(payload, terms),
        "tax_included": payload.get("taxes_included") is True,
        "lines": [*_lines(payload, made)],
        "shipping": _shipping(payload, made),
        "payment": _payment(payload),
        "total": plain(made.amount(payload, "total_price", "/total")),
    }
    made.body["lines"] += _fees(payload, made)
    _rest(payload, made)
    if any(it.at == "/total" for it in made.problems):
        del made.body["total"]  # not 0: what was paid is for staff to say
    made.check(Order, judge)
    return made


def _lines(payload: Payload, made: Draft) -> list[dict[str, Any]]:
    """Lines by position; one that was never sold (quantity 0) leaves its number out."""
    lines: list[dict[str, Any]] = []
    for at, item in enumerate(wire.objects(payload, "line_items")):
        if item.get("quantity") == 0:
            continue
        place = f"/lines/{len(lines)}"
        tip = isinstance(item.get("tip"), dict)
        line: dict[str, Any] = {
            "line": at + 1,
            "sku": wire.text(item, "sku") or (TIP if tip else ""),
            "quantity": item.get("quantity"),
            "unit_price": plain(made.amount(item, "price", f"{place}/unit_price")),
            "kind": _kind(item, tip=tip),
            "line_ref": wire.text(item, "id", 40),
            **_taxes(item, made, place),
        }
        parts = _discounts(payload, item, made, place)
        discount = sum((Decimal(it["amount"]) for it in parts), ZERO)
        # Without allocations the line may still say what was taken off it.
        discount = discount or made.amount(item, "total_discount", f"{place}/discount")
        lines.append(line | {"discount": plain(discount)} | ({"discounts": parts} if parts else {}))
    return lines


def _kind(item: Payload, *, tip: bool) -> str:
    if tip:
        return "fee"
    return "gift_card" if item.get("gift_card") is True else "goods"


def _taxes(of: Payload, made: Draft, at: str) -> dict[str, Any]:
    return _taxed(wire.objects(of, "tax_lines"), made, at)


def _taxed(rows: Sequence[Payload], made: Draft, at: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    total = ZERO
    for row in rows:
        tax = made.amount(row, "price", f"{at}/tax")
        total += tax
        part: dict[str, Any] = {"amount": plain(tax), "jurisdiction": wire.text(row, "title", 60)}
        if rate := _rate(row):
            part["rate"] = rate
        if row.get("channel_liable") is True:
            part["channel_liable"] = True
        parts.append(part)
    return {"tax": plain(total), **({"taxes": parts} if parts else {})}


def _rate(row: Payload) -> str:
    """Return a rate in percent, "" for one that is none."""
    try:
        fraction = wire.amount(row, "rate")
    except ValueError:
        return ""
    rate = f"{(fraction or ZERO) * 100:f}"
    rate = rate.rstrip("0").rstrip(".") if "." in rate else rate
    return rate if fraction is not None and _RATE.fullmatch(rate) else ""


def _discounts(payload: Payload, of: Payload, made: Draft, at: str) -> list[dict[str, str]]:
    applied = wire.objects(payload, "discount_applications")
    parts = []
    for row in wire.objects(of, "discount_allocations"):
        amount = made.amount(row, "amount", f"{at}/discount")
        if not amount:
            continue
        index = wire.number(row, "discount_application_index")
        by: Payload = applied[index] if index is not None and 0 <= index < len(applied) else {}
        code = wire.text(by, "code", 40)
        name = code or wire.text(by, "title", 64) or wire.text(by, "type", 64) or "discount"
        part = {"amount": plain(amount), "promotion_id": name}
        parts.append(part | ({"code": code} if code else {}))
    return parts


def _shipping(payload: Payload, made: Draft) -> dict[str, Any]:
    kept = [
        it for it in wire.objects(payload, "shipping_lines") if it.get("is_removed") is not True
    ]
    amount = ZERO
    parts: list[dict[str, str]] = []
    taxes: list[Payload] = []
    for row in kept:
        off = _discounts(payload, row, made, "/shipping")
        price = made.amount(row, "price", "/shipping/amount")
        if not off and row.get("discounted_price") is not None:
            price = made.amount(row, "discounted_price", "/shipping/amount")
        amount += price - sum((Decimal(it["amount"]) for it in off), ZERO)
        parts += off
        taxes += wire.objects(row, "tax_lines")
    service = next((wire.text(it, "title", 40) or wire.text(it, "code", 40) for it in kept), "")
    return {
        "amount": plain(amount),
        "service": service,
        **_taxed(taxes, made, "/shipping"),
        **({"discounts": parts} if parts else {}),
    }


def _fees(payload: Payload, made: Draft) -> list[dict[str, Any]]:
    items = wire.objects(payload, "line_items")
    rows = [row for item in items for row in wire.objects(item, "duties")]
    duties = sum((made.amount(it, "price", "/lines") for it in rows), ZERO)
    duties = duties or made.amount(payload, "original_total_duties", "/lines")
    taxes = [tax for row in rows for tax in wire.objects(row, "tax_lines")]
    if payload.get("duties_included") is True:
        duties, taxes = ZERO, []
    tip = made.amount(payload, "total_tip_received", "/lines")
    if any(isinstance(item.get("tip"), dict) for item in items):
        tip = ZERO
    fees = made.amount(payload, "original_total_additional_fees", "/lines")
    number = len(items)
    lines: list[dict[str, Any]] = []
    for sku, value, of_it in ((TIP, tip, []), (DUTIES, duties, taxes), (FEES, fees, [])):
        if value or of_it:
            number += 1
            place = f"/lines/{len(made.body['lines']) + len(lines)}"
            lines.append(
                {
                    "line": number,
                    "sku": sku,
                    "quantity": 1,
                    "unit_price": plain(value),
                    "kind": "fee",
                    "line_ref": sku.lower(),
                    **_taxed(of_it, made, place),
                }
            )
    return lines


def _customer(payload: Payload, terms: Terms) -> dict[str, Any]:
    customer = wire.inner(payload, "customer")
    names = (wire.text(customer, "first_name", 60), wire.text(customer, "last_name", 59))
    address = _given(payload)
    found: dict[str, Any] = {
        "ref": wire.text(customer, "id", 17) or terms.guest,
        "name": " ".join(it for it in names if it) or wire.text(address, "name") or NOT_GIVEN,
    }
    for email in (wire.text(payload, "email", 254), wire.text(customer, "email", 254)):
        if _EMAIL.fullmatch(email):
            return found | {"email": email}
    return found


def _given(payload: Payload) -> Payload:
    return wire.inner(payload, "shipping_address") or wire.inner(payload, "billing_address")


def _address(payload: Payload, terms: Terms) -> dict[str, Any]:
    """Return where it goes; digital goods and pick-ups have no address, an ERP wants one."""
    given = _given(payload)
    names = (wire.text(given, "first_name", 60), wire.text(given, "last_name", 59))
    streets = [wire.text(given, name) for name in ("address1", "address2")]
    found = {
        "name": wire.text(given, "name") or " ".join(it for it in names if it) or NOT_GIVEN,
        "street": ", ".join(it for it in streets if it)[:120].strip() or NOT_GIVEN,
        "city": wire.text(given, "city") or NOT_GIVEN,
        "postal_code": wire.text(given, "zip") or NO_POSTAL_CODE,
        "country": wire.text(given, "country_code") or terms.country,
    }
    region = wire.text(given, "province_code", 40) or wire.text(given, "province", 40)
    return found | ({"region": region} if region else {})


def is_paid(payload: Payload) -> bool:
    """Say whether a payload states outright that its order is (or was) paid in full."""
    return _payment(payload)["status"] == "paid"


def _payment(payload: Payload) -> dict[str, str]:
    status = payload.get("financial_status")
    return {
        "method": ", ".join(wire.texts(payload, "payment_gateway_names"))[:40].strip(),
        "status": _PAID.get(status, "pending") if isinstance(status, str) else "pending",
        "reference": wire.text(payload, "confirmation_number", 64),
    }


def _rest(payload: Payload, made: Draft) -> None:
    """Fill in what most orders do not have: rounding, tender, presentment, location."""
    body = made.body
    rounding = made.amount(payload, "total_cash_rounding_payment_adjustment", "/cash_rounding")
    if rounding:
        body["cash_rounding"] = plain(rounding)
    # The payload names ways of payment without amounts: only if there is one is its amount known.
    gateways = wire.texts(payload, "payment_gateway_names")
    if (
        len(gateways) == 1
        and _TENDER.fullmatch(gateways[0])
        and body["payment"]["status"] == "paid"
    ):
        paid = Decimal(body["total"]) + rounding
        body["tenders"] = [{"type": gateways[0], "amount": plain(paid)}]
    seen = wire.text(payload, "presentment_currency")
    money = wire.inner(wire.inner(payload, "total_price_set"), "presentment_money")
    if seen and seen != body["currency"] and money:
        total = made.amount(money, "amount", "/presentment/total")
        body["presentment"] = {"currency": seen, "total": plain(total)}
    for name, value in (
        ("store", wire.text(payload, "location_id", 40)),
        ("updated_at", wire.text(payload, "updated_at")),
    ):
        if value:
            body[name] = value
