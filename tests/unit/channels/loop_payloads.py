"""Loop's webhooks, written by hand in the published shape."""

from __future__ import annotations

from typing import Any

from tests.unit.channels.shopify_payloads import LINE_ID, ORDER_ID

RETURN_ID = "512345"


def row(at: int, refund: str) -> dict[str, Any]:
    """One piece of a line that comes back."""
    return {
        "line_item_id": str(900 + at), "provider_line_item_id": str(LINE_ID + at),
        "sku": "ANY:SKU", "price": refund, "discount": "0.00", "tax": "0.00", "refund": refund,
        "return_reason": "too small",
    }  # fmt: skip


def snapshot(*rows: dict[str, Any], state: str = "closed", edited: int = 0, **more: Any) -> Any:
    """A return as it is; ``edited`` counts minutes."""
    total = sum(round(float(it["refund"]) * 100) for it in rows)
    return {
        "topic": "return", "trigger": "return.updated", "shop_id": 1, "id": RETURN_ID,
        "state": state, "created_at": "2026-11-21T09:00:00+00:00",
        "edited_at": f"2026-11-21T09:{edited:02}:00+00:00" if edited else None,
        "provider_order_id": ORDER_ID, "order_name": "#1001", "currency": "EUR",
        "customer": "pat@example.com", "status_page_url": "https://example.com/r/1",
        "return_total": f"{total // 100}.{total % 100:02}", "handling_fee": "0.00",
        "line_items": list(rows), "refunds": [], **more,
    }  # fmt: skip
