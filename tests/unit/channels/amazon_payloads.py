"""Orders and notifications of Amazon's, in the published shape; the values are made up."""

from __future__ import annotations

from typing import Any

ORDER_ID = "403-1234567-7654321"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def part(kind: str, amount: str, **details: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "subtotal": money(amount)}
    if details:
        found["detailedBreakdowns"] = [
            {"subtype": name, "value": money(value)} for name, value in details.items()
        ]
    return found


def item(*parts: dict[str, Any], quantity: int = 2, number: int = 1, **more: Any) -> dict[str, Any]:
    rows = list(parts) or [part("ITEM", "39.90"), part("TAX", "6.93", ITEM="6.93")]
    return {
        "orderItemId": f"7000000000000{number}",
        "quantityOrdered": quantity,
        "product": {"asin": "B000000001", "sellerSku": "TEE-BLK-M", "title": "T-shirt"},
        "proceeds": {"breakdowns": rows},
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": quantity},
        **more,
    }


def order(
    *items: dict[str, Any],
    total: str = "39.90",
    status: str = "UNSHIPPED",
    by: str = "MERCHANT",
    updated: str = "2026-11-20T10:05:00.000Z",
    **more: Any,
) -> dict[str, Any]:
    return {
        "orderId": ORDER_ID,
        "createdTime": "2026-11-20T10:00:00.000Z",
        "lastUpdatedTime": updated,
        "programs": [],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1805IZSGTT6HS"},
        "buyer": {"buyerName": "Pat Sample", "buyerEmail": "1@marketplace.example.com"},
        "recipient": {
            "deliveryAddress": {
                "name": "Pat Sample", "addressLine1": "Nergensweg 1", "city": "Zwolle",
                "postalCode": "8011 ZZ", "countryCode": "NL",
            }
        },
        "proceeds": {"grandTotal": money(total)},
        "fulfillment": {
            "fulfillmentStatus": status, "fulfilledBy": by, "fulfillmentServiceLevel": "STANDARD",
        },
        "orderItems": list(items) or [item()],
        **more,
    }  # fmt: skip
