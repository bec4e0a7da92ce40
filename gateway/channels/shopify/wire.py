"""The wire of Shopify's webhooks, read tolerantly: nothing unexpected is refused, it is *drift*.

Numbers with a point are read as decimals, never as binary fractions. A field nobody announced, a
null where there always was a value, and a word that is new do not stop an order; they are counted,
so that somebody looks at what they mean.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from gateway.channels.reading import (
    ZERO,
    Payload,
    decimal,
    inner,
    instant,
    number,
    objects,
    plain,
    read,
    text,
    texts,
)

__all__ = [
    "ZERO",
    "Payload",
    "amount",
    "drift",
    "inner",
    "instant",
    "number",
    "objects",
    "plain",
    "read",
    "text",
    "texts",
]

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


def amount(of: Payload, name: str) -> Decimal | None:
    """Return an amount in the shop's currency: the field's, else its twin's; None for none.

    Raises :class:`ValueError` saying what stands there instead.
    """
    given = of.get(name)
    if given is None:
        given = inner(inner(of, f"{name}_set"), "shop_money").get("amount")
    if given is None:
        return None
    return decimal(given, name)
