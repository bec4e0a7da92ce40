"""What a webhook of each topic carries, by what happened to a return.

Source: docs.loopreturns.com, webhook reference: return, label, restock. That a request to restock
follows the closing of its return is not published; it says that the return was processed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

RETURN, LABEL, RESTOCK = "return", "label", "restock"
TOPICS = (RETURN, LABEL, RESTOCK)

Body = dict[str, Any]


def told_of(trigger: str, snapshot: Mapping[str, Any], topics: frozenset[str]) -> Iterator[Body]:
    """The bodies due for what happened, in the order in which they are sent."""
    if LABEL in topics and trigger in {"return.created", "return.closed"}:
        yield _label(trigger, snapshot)
    if RETURN in topics:
        yield {"topic": RETURN, "trigger": trigger, **snapshot}
    if RESTOCK in topics and trigger == "return.closed" and (items := _items(snapshot)):
        yield {
            "topic": RESTOCK,
            "trigger": "restock.requested",
            "id": snapshot["id"],
            "order_id": snapshot["order_id"],
            "provider_order_id": snapshot["provider_order_id"],
            "restock_items": items,
        }


def _label(trigger: str, snapshot: Mapping[str, Any]) -> Body:
    made = trigger == "return.created"
    return {
        "topic": LABEL,
        "trigger": "label.created" if made else "label.updated",
        "shop_id": snapshot["shop_id"],
        "id": snapshot["id"],
        "order_id": snapshot["order_id"],
        "provider_order_id": snapshot["provider_order_id"],
        "carrier": "ExampleParcel",
        "tracking_number": f"XP{snapshot['id']}",
        "label_status": "pre_transit" if made else "delivered",
        "label_updated_at": snapshot["edited_at"] or snapshot["created_at"],
        "package_reference": f"{snapshot['id']}-1",
    }


def _items(snapshot: Mapping[str, Any]) -> list[Body]:
    """Pieces by article and location; what has no location is not restocked."""
    found = Counter(
        (row["variant_id"], row["provider_restock_location_id"])
        for row in snapshot["line_items"]
        if row["provider_restock_location_id"]
    )
    return [
        {
            "location_id": location,
            "variant_id": variant,
            "inventory_item_id": f"8{variant}",
            "available_adjustment": pieces,
            "inventory_management": "shopify",
        }
        for (variant, location), pieces in found.items()
    ]
