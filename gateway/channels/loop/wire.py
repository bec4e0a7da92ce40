"""What Loop publishes of a return, and what differs from that."""

from __future__ import annotations

from typing import Final

from gateway.channels import reading
from gateway.channels.drifting import missing, unannounced
from gateway.channels.loop.credit import STATES
from gateway.channels.reading import Payload

#: Fields published for the return webhook up to ``refunds``, and the arrays that follow them.
FIELDS: Final = frozenset({
    "topic", "trigger", "shop_id", "id", "state", "created_at", "edited_at", "updated_at", "total",
    "order_id", "order_name", "provider_order_id", "order_number", "provider_order_number",
    "provider_order_external_id", "provider_order_sales_channel", "customer", "customer_detail",
    "address", "currency", "return_product_total", "return_discount_total", "return_tax_total",
    "return_total", "return_credit_total", "status_page_url", "exchange_product_total",
    "exchange_discount_total", "exchange_tax_total", "exchange_total", "exchange_credit_total",
    "gift_card", "handling_fee", "refund", "upsell", "is_gift_return", "refunds", "line_items",
    "exchanges", "labels", "gift_cards", "credits", "destination_id", "return_method",
    "multi_currency", "outcome", "package_reference", "carrier", "tracking_number", "label_status",
    "label_updated_at", "label_rate", "type", "restock_items",
})  # fmt: skip
#: Fields of a row as stored payloads have them: what is published ends before.
ROW: Final = frozenset({
    "line_item_id", "provider_line_item_id", "product_id", "provider_product_id", "variant_id",
    "provider_variant_id", "sku", "title", "price", "discount", "tax", "refund", "quantity",
    "return_reason", "parent_return_reason", "return_comment", "barcode", "outcome", "returned_at",
    "exchange_variant", "provider_restock_location_id", "fulfillment_id",
})  # fmt: skip
_ROW_ALWAYS: Final = ("provider_line_item_id", "refund")
#: Fields that always say something; null there is nothing that was announced.
_NEVER_NULL: Final = (
    "state", "provider_order_id", "customer", "currency", "line_items", "return_total", "refunds",
)  # fmt: skip


def drift(payload: Payload) -> list[str]:
    """Name what nobody announced: a new field, a null, a new state, an empty payload."""
    if not payload.get("id"):
        return ["null:id"]
    found = [f"field:{str(name)[:40]}" for name in payload if name not in FIELDS]
    found += [f"null:{name}" for name in _NEVER_NULL if name in payload and payload[name] is None]
    for row in reading.objects(payload, "line_items"):
        found += unannounced(row, ROW, "line_items.")
        found += missing(row, _ROW_ALWAYS, "line_items.")
    state = reading.text(payload, "state", 40).lower()
    return found + ([f"value:state={state}"] if state and state not in STATES else [])
