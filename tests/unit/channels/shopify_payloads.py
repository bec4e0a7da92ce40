"""Orders and refunds as Shopify's webhooks carry them, made up here, with all that is optional."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

ORDER_ID = 6_100_000_000_001
LINE_ID = 7_100_000_000_001


def money(amount: str, currency: str = "EUR") -> dict[str, dict[str, str]]:
    """The twin of an amount."""
    shop = {"amount": amount, "currency_code": currency}
    return {"shop_money": shop, "presentment_money": shop}


def tax(price: str, rate: float = 0.21, *, liable: bool = False) -> dict[str, Any]:
    return {
        "title": "VAT", "price": price, "rate": rate, "price_set": money(price),
        "channel_liable": liable,
    }  # fmt: skip


def item(at: int, sku: str, quantity: int, price: str, **more: Any) -> dict[str, Any]:
    """A line item."""
    return {
        "id": LINE_ID + at, "sku": sku, "quantity": quantity, "current_quantity": quantity,
        "price": price, "price_set": money(price), "total_discount": "0.00", "gift_card": False,
        "requires_shipping": True, "taxable": True, "title": sku, "tax_lines": [], "duties": [],
        "discount_allocations": [],
    } | more  # fmt: skip


def order(**more: Any) -> dict[str, Any]:
    """An order of 2 shirts and a gift card, with discount, tax, shipping; tax included."""
    lines = [
        item(
            0, "TEE-BLK-M", 2, "19.95", tax_lines=[tax("6.40"), tax("0.35", 0.015, liable=True)],
            discount_allocations=[{"amount": "3.00", "discount_application_index": 0}],
        ),
        item(1, "GIFT-25", 1, "25.00", gift_card=True),
    ]  # fmt: skip
    return {
        "id": ORDER_ID,
        "name": "#1001",
        "created_at": "2026-11-21T09:59:00+01:00",
        "processed_at": "2026-11-21T09:58:59+01:00",
        "updated_at": "2026-11-21T10:00:00+01:00",
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": "EUR",
        "presentment_currency": "GBP",
        "taxes_included": True,
        "financial_status": "paid",
        "fulfillment_status": None,
        "source_name": "web",
        "test": False,
        "confirmation_number": "ABC123",
        "payment_gateway_names": ["shopify_payments"],
        "email": "pat@example.com",
        "line_items": lines,
        "shipping_lines": [
            {"id": 1, "title": "Standard", "code": "STD", "price": "4.95", "is_removed": False,
             "discounted_price": "4.95", "tax_lines": [tax("0.86")], "discount_allocations": []}
        ],
        "discount_applications": [{"type": "discount_code", "code": "BF20", "title": "Friday"}],
        "refunds": [],
        "total_tip_received": "0.00",
        "total_price": "66.85",
        "total_price_set": {
            "shop_money": {"amount": "66.85", "currency_code": "EUR"},
            "presentment_money": {"amount": "56.82", "currency_code": "GBP"},
        },
        "customer": {"id": 6_900_000_000_007, "first_name": "Pat", "last_name": "Sample"},
        "shipping_address": {
            "name": "Pat Sample", "address1": "Example Street 1", "address2": "2nd floor",
            "city": "Exampleton", "zip": "1000 AA", "country_code": "NL", "province_code": None,
        },
    } | more  # fmt: skip


def refund(*rows: dict[str, Any], paid: str, number: int = 1) -> dict[str, Any]:
    """A refund of rows, paid back with one transaction."""
    return {
        "id": 8_100_000_000_000 + number,
        "order_id": ORDER_ID,
        "created_at": "2026-11-23T10:00:00+01:00",
        "processed_at": "2026-11-23T10:00:00+01:00",
        "note": "too small",
        "refund_line_items": list(rows),
        "order_adjustments": [],
        "transactions": [{"kind": "refund", "status": "success", "amount": paid}],
    }


def row(
    at: int, quantity: int, subtotal: str, restock: str = "return", tax: str = "0.00"
) -> dict[str, Any]:
    """A row of a refund."""
    return {
        "id": 1, "line_item_id": LINE_ID + at, "quantity": quantity, "subtotal": subtotal,
        "total_tax": tax, "restock_type": restock, "line_item": {"sku": "TEE-BLK-M"},
    }  # fmt: skip


def less(document: dict[str, Any], at: int, left: int, updated_at: str) -> dict[str, Any]:
    """The order with fewer pieces of a line left."""
    lines = [dict(it) for it in document["line_items"]]
    lines[at]["current_quantity"] = left
    return document | {"line_items": lines, "updated_at": updated_at}


def amounts(value: object) -> set[Decimal]:
    """Every decimal text of a document that is not zero."""
    if isinstance(value, dict):
        return set().union(*(amounts(it) for it in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(amounts(it) for it in value))
    if isinstance(value, str) and "." in value and value.replace(".", "", 1).isdigit():
        return {Decimal(value)} - {Decimal(0)}
    return set()
