"""The wire of Shopify's webhooks, read tolerantly: nothing unexpected is refused, it is *drift*.

Numbers with a point are read as decimals, never as binary fractions. A field nobody announced, a
null where there always was a value, and a word that is new do not stop an order; they are counted,
so that somebody looks at what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from gateway.errors import BadRequest

Payload = Mapping[str, Any]

ZERO: Final = Decimal(0)

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]+")

#: Fields of an order as published for 2025-10 to 2026-07. Twins ending in ``_set`` are known with
#: the field they double.
_ORDER: Final = frozenset(
    [
        "id",
        "admin_graphql_api_id",
        "app_id",
        "browser_ip",
        "buyer_accepts_marketing",
        "cancel_reason",
        "cancelled_at",
        "cart_token",
        "checkout_id",
        "checkout_token",
        "client_details",
        "closed_at",
        "company",
        "confirmation_number",
        "confirmed",
        "contact_email",
        "created_at",
        "currency",
        "current_shipping_price",
        "current_subtotal_price",
        "current_total_additional_fees",
        "current_total_discounts",
        "current_total_duties",
        "current_total_price",
        "current_total_tax",
        "customer_locale",
        "device_id",
        "discount_codes",
        "duties_included",
        "email",
        "estimated_taxes",
        "financial_status",
        "fulfillment_status",
        "landing_site",
        "landing_site_ref",
        "location_id",
        "merchant_business_entity_id",
        "merchant_of_record_app_id",
        "name",
        "note",
        "note_attributes",
        "number",
        "order_number",
        "order_status_url",
        "original_total_additional_fees",
        "original_total_duties",
        "payment_gateway_names",
        "phone",
        "po_number",
        "presentment_currency",
        "processed_at",
        "reference",
        "referring_site",
        "source_identifier",
        "source_name",
        "source_url",
        "subtotal_price",
        "tags",
        "tax_exempt",
        "tax_lines",
        "taxes_included",
        "test",
        "token",
        "total_cash_rounding_payment_adjustment",
        "total_cash_rounding_refund_adjustment",
        "total_discounts",
        "total_line_items_price",
        "total_outstanding",
        "total_price",
        "total_shipping_price",
        "total_tax",
        "total_tip_received",
        "total_weight",
        "updated_at",
        "user_id",
        "billing_address",
        "customer",
        "discount_applications",
        "fulfillments",
        "line_items",
        "line_item_groups",
        "payment_terms",
        "refunds",
        "returns",
        "shipping_address",
        "shipping_lines",
    ]
)
_NEVER_NULL: Final = (
    "id", "created_at", "currency", "line_items", "refunds", "source_name", "taxes_included",
    "total_price", "updated_at",
)  # fmt: skip
_WORDS: Final[dict[str, frozenset[str]]] = {
    "financial_status": frozenset(
        [
            "pending",
            "authorized",
            "partially_paid",
            "paid",
            "partially_refunded",
            "refunded",
            "voided",
            "expired",
        ]
    ),
    "fulfillment_status": frozenset(["fulfilled", "partial", "restocked", "not_eligible"]),
    "cancel_reason": frozenset(["customer", "fraud", "inventory", "declined", "staff", "other"]),
}


def read(body: bytes) -> dict[str, Any]:
    """Return the object a webhook carries; raise :class:`BadRequest` if it is none."""
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError, InvalidOperation) as error:
        raise BadRequest(f"the body is not JSON: {str(error)[:80]}") from None
    if not isinstance(found, dict):
        raise BadRequest("the body is no JSON object")
    return found


def drift(order: Payload) -> list[str]:
    """Name what an order has that nobody announced: ``field:…``, ``null:…``, ``value:…=…``."""
    known = _ORDER
    found = [
        f"field:{name[:40]}"
        for name in order
        if name not in known and name.removesuffix("_set") not in known
    ]
    found += [f"null:{name}" for name in _NEVER_NULL if name in order and order[name] is None]
    for name, words in _WORDS.items():
        word = order.get(name)
        if isinstance(word, str) and word not in words:
            found.append(f"value:{name}={word[:40]}")
    return found


def objects(of: Payload, name: str) -> list[Payload]:
    """Return the objects of a list; what is no list, or no object in it, is left out."""
    return [it for it in _list(of.get(name)) if isinstance(it, Mapping)]


def inner(of: Payload, name: str) -> Payload:
    """Return an object, empty if there is none."""
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def texts(of: Payload, name: str) -> list[str]:
    """Return the texts of a list."""
    return [it for it in _list(of.get(name)) if isinstance(it, str) and it]


def text(of: Payload, name: str, chars_max: int = 120) -> str:
    """Return a text in one line, cut to ``chars_max``; a number as its digits, else ""."""
    found = of.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        return ""
    return _CONTROL.sub(" ", found).strip()[:chars_max].strip()


def number(of: Payload, name: str) -> int | None:
    """Return a whole number, None for anything else."""
    found = of.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def amount(of: Payload, name: str) -> Decimal | None:
    """Return an amount in the shop's currency: the field's, else its twin's; None for none.

    Raises :class:`ValueError` saying what stands there instead.
    """
    given = of.get(name)
    if given is None:
        given = inner(inner(of, f"{name}_set"), "shop_money").get("amount")
    if given is None:
        return None
    if isinstance(given, Decimal):
        given = f"{given:f}" if given.is_finite() and abs(given.adjusted()) < 20 else "?"
    plain = str(given).strip() if isinstance(given, str | int) else ""
    if isinstance(given, bool) or not _AMOUNT.fullmatch(plain):
        raise ValueError(f"{name} is no amount")
    return Decimal(plain)


def instant(of: Payload, name: str) -> datetime | None:
    """Return a point in time, None if there is none that could be read."""
    try:
        found = datetime.fromisoformat(text(of, name, 40))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def plain(value: Decimal) -> str:
    """Write an amount as canonical documents do: at least two places, no zeros behind them."""
    if value == value.quantize(Decimal("0.01")):
        return f"{value:.2f}"
    return f"{value.normalize():f}"


def _list(value: object) -> Iterator[object]:
    return iter(value if isinstance(value, Sequence) and not isinstance(value, str) else ())
