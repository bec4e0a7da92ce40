"""What a shop's webhooks have that nobody announced: of orders, their lines, and refunds.

A cancellation comes as its order, so it is looked at as one. Fields are those published for
2025-10 to 2026-07 and seen in stored payloads of that time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.canonical.exchange.drifting import Surprise
from gateway.channels.drifting import missing, strange, surprises, unannounced, within
from gateway.channels.shopify import wire
from gateway.channels.shopify.wire import Payload

_LINE: Final = frozenset({
    "id", "admin_graphql_api_id", "attributed_staffs", "current_quantity", "fulfillable_quantity",
    "fulfillment_service", "fulfillment_status", "gift_card", "grams", "name", "price",
    "product_exists", "product_id", "properties", "quantity", "requires_shipping", "sku",
    "taxable", "title", "total_discount", "variant_id", "variant_inventory_management",
    "variant_title", "vendor", "tax_lines", "duties", "discount_allocations", "tip",
    "sales_line_item_group_id", "parent_line_item_id", "origin_location",
})  # fmt: skip
_REFUND: Final = frozenset({
    "id", "admin_graphql_api_id", "created_at", "note", "order_id", "processed_at", "restock",
    "total_additional_fees", "total_duties", "user_id", "order_adjustments", "transactions",
    "refund_line_items", "refund_shipping_lines", "refund_duties", "duties", "additional_fees",
    "return",
})  # fmt: skip
_ROW: Final = frozenset({
    "id", "line_item_id", "location_id", "quantity", "restock_type", "subtotal", "total_tax",
    "line_item",
})  # fmt: skip
_REFUND_ALWAYS: Final = ("id", "order_id", "created_at", "refund_line_items", "transactions")
_ROW_ALWAYS: Final = ("line_item_id", "quantity", "subtotal")
_RESTOCKED: Final = frozenset({"no_restock", "cancel", "return", "legacy_restock"})
_KINDS: Final = frozenset({
    "refund", "void", "capture", "sale", "authorization", "change", "suggested_refund",
})  # fmt: skip
_STATUSES: Final = frozenset({"pending", "failure", "success", "error", "awaiting_response"})
_ADJUSTED: Final = frozenset({
    "shipping_refund", "refund_discrepancy", "pending_refund_discrepancy",
})  # fmt: skip


def surprises_in(topic: str, payload: Payload) -> tuple[str, list[Surprise]]:
    """Return what a webhook has and nobody announced, behind what it stands in."""
    if topic.startswith("refunds/"):
        kind, found = "refund", list(of_refund(payload))
    elif topic.startswith("orders/") and "line_items" in payload:
        kind, found = "order", [*wire.drift(payload), *_of_lines(payload)]
    else:
        return "", []
    return kind, surprises(payload, found, wire.text(payload, "id", 40))


def of_refund(refund: Payload) -> Iterator[str]:
    """Name what a refund has that nobody announced."""
    yield from _new(refund, _REFUND)
    yield from missing(refund, _REFUND_ALWAYS)
    for row in within(refund, "refund_line_items"):
        yield from _new(row, _ROW, "refund_line_items.")
        yield from missing(row, _ROW_ALWAYS, "refund_line_items.")
        yield from strange(row, {"restock_type": _RESTOCKED}, "refund_line_items.")
    for row in within(refund, "transactions"):
        yield from strange(row, {"kind": _KINDS, "status": _STATUSES}, "transactions.")
    for row in within(refund, "order_adjustments"):
        yield from strange(row, {"kind": _ADJUSTED}, "order_adjustments.")


def _of_lines(order: Payload) -> Iterator[str]:
    for line in within(order, "line_items"):
        yield from _new(line, _LINE, "line_items.")


def _new(of: Payload, known: frozenset[str], at: str = "") -> Iterator[str]:
    """Name new fields; twins are known with the field they double."""
    untwinned = {name: it for name, it in of.items() if name.removesuffix("_set") not in known}
    return unannounced(untwinned, known, at)
