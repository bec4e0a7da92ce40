"""An order of the Orders API 2026-01-01 as a canonical order.

Whether amounts contain their tax is not stated: the order says so by adding up one way or the
other. What adds up neither way is not mapped. Nothing is rounded: where an item's amount does not
divide by its pieces, the piece's price is the next higher one, and the rest is a discount.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from gateway.canonical.money import MINOR_DIGITS
from gateway.canonical.order import Order
from gateway.canonical.unmapped import Problem
from gateway.channels.amazon import wire
from gateway.channels.draft import Draft, Terms
from gateway.channels.reading import ZERO, Payload, number, plain

#: Stands for what Amazon does not tell: addresses of what it fulfils, names of some buyers.
NOT_GIVEN: Final = "not given"
NO_POSTAL_CODE: Final = "0000"

#: SKUs of amounts that have no article; a crosswalk may name them differently.
FEES: Final = {"GIFT_WRAP": "GIFT-WRAP", "COD_FEE": "COD-FEE", "OTHER": "OTHER-FEE"}
ROUNDING: Final = "unit-price-rounding"
_FACILITATOR: Final = "MARKETPLACE_FACILITATOR"


@dataclass(slots=True)
class _Amounts:
    """What an item consists of, by type; taxes by what they are of."""

    parts: dict[str, Decimal] = field(default_factory=dict)
    taxes: dict[str, Decimal] = field(default_factory=dict)
    discounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def net(self) -> Decimal:
        """Everything but taxes."""
        return sum(self.parts.values(), ZERO) - sum(self.discounts.values(), ZERO)

    @property
    def tax(self) -> Decimal:
        """All taxes."""
        return sum(self.taxes.values(), ZERO)


def order_of(payload: Payload, terms: Terms, judge: Callable[[Order], None] | None = None) -> Draft:
    """Return an order's draft; ``judge`` raises ``Invalid`` for what a form cannot know."""
    made = Draft()
    items = wire.objects(payload, "orderItems")
    amounts = [_amounts(it, made, f"/lines/{at}") for at, it in enumerate(items)]
    total = _total(payload, made)
    grand = wire.inner(wire.inner(payload, "proceeds"), "grandTotal")
    made.body = {
        "order_ref": wire.text(payload, "orderId", 35),
        "legal_entity": terms.legal_entity,
        "ordered_at": wire.text(payload, "createdTime"),
        "currency": wire.text(grand, "currencyCode"),
        "customer": _customer(payload, terms),
        "ship_to": _address(payload, terms),
        "tax_included": _tax_included(total, amounts),
        "lines": [],
        "shipping": _shipping(payload, items, amounts),
        "payment": {"method": "amazon", "status": "paid"},
        "total": plain(total),
        "tenders": [{"type": "amazon", "amount": plain(total)}],
        "updated_at": wire.text(payload, "lastUpdatedTime"),
        "fulfilled_by": fulfilled_by(payload),
    }
    for item, amount in zip(items, amounts, strict=True):
        made.body["lines"] += _lines(item, amount, len(made.body["lines"]), made.body["currency"])
    status = wire.status(payload)
    if status not in wire.READY:
        text = f"the order is {status or 'in no status'}; ship and book it only if Amazon says so"
        made.problems.append(Problem("", text))
    if any(it.at == "/total" for it in made.problems):
        del made.body["total"], made.body["tenders"]  # not 0: what was paid is for staff to say
    if not made.body["updated_at"]:
        del made.body["updated_at"]
    made.check(Order, judge)
    return made


def fulfilled_by(payload: Payload) -> str:
    """Return who sends the goods: ``channel`` if Amazon does."""
    by = wire.text(wire.inner(payload, "fulfillment"), "fulfilledBy")
    return "channel" if by == "AMAZON" else "retailer"


def _total(payload: Payload, made: Draft) -> Decimal:
    try:
        total = wire.money(wire.inner(payload, "proceeds"), "grandTotal")
    except ValueError as error:
        made.problems.append(Problem("/total", f"{error}; give the amount"))
        return ZERO
    if total is None:
        made.problems.append(Problem("/total", "proceeds.grandTotal is missing; give the amount"))
    return total or ZERO


def _amounts(item: Payload, made: Draft, at: str) -> _Amounts:
    found = _Amounts()
    rows = wire.objects(wire.inner(item, "proceeds"), "breakdowns")
    if not rows and number(item, "quantityOrdered") != 0:
        made.problems.append(Problem(f"{at}/unit_price", "proceeds are missing; give the price"))
    for row in rows:
        kind = wire.text(row, "type", 40)
        try:
            amount = wire.money(row, "subtotal") or ZERO
            details = {
                wire.text(it, "subtype", 40): wire.money(it, "value") or ZERO
                for it in wire.objects(row, "detailedBreakdowns")
            }
        except ValueError as error:
            made.problems.append(Problem(at, f"{kind}: {error}; give the amount"))
            continue
        if kind == "TAX":
            found.taxes = _split(amount, details, "DISCOUNT")
        elif kind == "DISCOUNT":
            off = {name: abs(value) for name, value in details.items()}
            found.discounts = _split(abs(amount), off, "")
        else:
            name = kind if kind in {"ITEM", "SHIPPING"} | FEES.keys() else "OTHER"
            found.parts[name] = found.parts.get(name, ZERO) + amount
    return found


def _split(amount: Decimal, details: Mapping[str, Decimal], beside: str) -> dict[str, Decimal]:
    """Give each part its share; what no detail says (or one that is ``beside``) is the item's."""
    others = {
        name: value for name, value in details.items() if name not in {"ITEM", beside} and value
    }
    return {"ITEM": amount - sum(others.values(), ZERO)} | others


def _tax_included(total: Decimal, amounts: list[_Amounts]) -> bool:
    net = sum((it.net for it in amounts), ZERO)
    tax = sum((it.tax for it in amounts), ZERO)
    return not tax or total != net + tax


def _lines(item: Payload, amount: _Amounts, before: int, currency: str) -> list[dict[str, Any]]:
    quantity = number(item, "quantityOrdered") or 0
    if quantity == 0 and not amount.parts:
        return []
    price, rest = _per_piece(amount.parts.get("ITEM", ZERO), quantity, currency)
    parts = [
        {"amount": plain(value), "promotion_id": name}
        for name, value in (
            (_promotion(item), amount.discounts.get("ITEM", ZERO)), (ROUNDING, rest),
        )
        if value
    ]  # fmt: skip
    line: dict[str, Any] = {
        "line": before + 1,
        "sku": wire.text(wire.inner(item, "product"), "sellerSku"),
        "quantity": item.get("quantityOrdered"),
        "unit_price": plain(price),
        "discount": plain(amount.discounts.get("ITEM", ZERO) + rest),
        "line_ref": wire.text(item, "orderItemId", 40),
        **_taxed(item, amount.taxes.get("ITEM", ZERO)),
    }
    lines = [line | ({"discounts": parts} if parts else {})]
    for kind, sku in FEES.items():
        fee, off = amount.parts.get(kind, ZERO), amount.discounts.get(kind, ZERO)
        if fee or off:
            fees = {
                "line": before + len(lines) + 1,
                "sku": sku,
                "quantity": 1,
                "unit_price": plain(fee),
                "discount": plain(off),
                "kind": "fee",
                "line_ref": f"{line['line_ref'][:28]}/{sku.lower()}",
                **_taxed(item, amount.taxes.get(kind, ZERO)),
            }
            lines.append(fees)
    return lines


def _per_piece(amount: Decimal, quantity: int, currency: str) -> tuple[Decimal, Decimal]:
    """Return the price of a piece, in whole minor units, and by how much all pieces exceed it."""
    if quantity < 1:
        return amount, ZERO
    unit = Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))
    price = (amount / quantity).quantize(unit, ROUND_CEILING)
    return price, price * quantity - amount


def _promotion(item: Payload) -> str:
    rows = wire.objects(wire.inner(item, "promotion"), "breakdowns")
    named = [wire.text(it, "promotionId", 64) for it in rows]
    return next((it for it in named if it), "promotion")


def _taxed(item: Payload, tax: Decimal) -> dict[str, Any]:
    part = _tax_part(item, tax)
    return {"tax": plain(tax)} | ({"taxes": [part]} if part else {})


def _tax_part(item: Payload, tax: Decimal) -> dict[str, Any]:
    """Return a tax that Amazon remits; one that the retailer owes needs no words."""
    for it in wire.objects(wire.inner(item, "tax"), "taxCollections"):
        if tax and wire.text(it, "model") == _FACILITATOR:
            by = wire.text(it, "responsibleParty", 60)
            return {"amount": plain(tax), "jurisdiction": by, "channel_liable": True}
    return {}


def _shipping(payload: Payload, items: list[Payload], amounts: list[_Amounts]) -> dict[str, Any]:
    charged = sum((it.parts.get("SHIPPING", ZERO) for it in amounts), ZERO)
    off = sum((it.discounts.get("SHIPPING", ZERO) for it in amounts), ZERO)
    taxes = [it.taxes.get("SHIPPING", ZERO) for it in amounts]
    parts = [_tax_part(item, tax) for item, tax in zip(items, taxes, strict=True)]
    named = [it for it in parts if it]
    rest = sum(taxes, ZERO) - sum((Decimal(it["amount"]) for it in named), ZERO)
    if named and rest:
        named.append({"amount": plain(rest)})
    promoted = next((it for it, amount in zip(items, amounts, strict=True)
                     if amount.discounts.get("SHIPPING")), None)  # fmt: skip
    return {
        "amount": plain(charged - off),
        "tax": plain(sum(taxes, ZERO)),
        "service": wire.text(wire.inner(payload, "fulfillment"), "fulfillmentServiceLevel", 40),
        **({"taxes": named} if named else {}),
        **(
            {"discounts": [{"amount": plain(off), "promotion_id": _promotion(promoted)}]}
            if promoted is not None
            else {}
        ),
    }


def _customer(payload: Payload, terms: Terms) -> dict[str, Any]:
    buyer, to = wire.inner(payload, "buyer"), wire.inner(payload, "recipient")
    name = wire.text(buyer, "buyerName") or wire.text(wire.inner(to, "deliveryAddress"), "name")
    found: dict[str, Any] = {"ref": terms.guest, "name": name or NOT_GIVEN}
    email = wire.text(buyer, "buyerEmail", 254)
    local, at, domain = email.partition("@")
    whole = bool(local and at and domain) and "@" not in domain and " " not in email
    return found | ({"email": email} if whole else {})


def _address(payload: Payload, terms: Terms) -> dict[str, Any]:
    to = wire.inner(wire.inner(payload, "recipient"), "deliveryAddress")
    streets = [wire.text(to, f"addressLine{n}") for n in (1, 2, 3)]
    found = {
        "name": wire.text(to, "name") or wire.text(to, "companyName") or NOT_GIVEN,
        "street": ", ".join(it for it in streets if it)[:120].strip() or NOT_GIVEN,
        "city": wire.text(to, "city") or NOT_GIVEN,
        "postal_code": wire.text(to, "postalCode") or NO_POSTAL_CODE,
        "country": wire.text(to, "countryCode") or terms.country,
    }
    region = wire.text(to, "stateOrRegion", 40)
    return found | ({"region": region} if region else {})
