"""Orders as the Orders API 2026-01-01 writes them; only the data that was asked for."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import CANCELLED, PENDING, PROMOTION, Item, Order
from simulators.amazon.stamps import stamp, text

DATA = (
    "BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT",
    "PACKAGES", "TAX", "PAYMENT", "FULFILLMENT_ORDERS",
)  # fmt: skip

Json = dict[str, Any]


def resource(order: Order, options: MarketOptions, data: Collection[str]) -> Json:
    """The order with the datasets of ``data``; money is absent while it is pending."""
    priced = order.status not in (PENDING, CANCELLED)
    found: Json = {
        "orderId": order.id,
        "createdTime": stamp(order.created),
        "lastUpdatedTime": stamp(order.updated),
        "programs": ["PRIME"] if order.by_amazon else [],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": options.marketplace,
            "marketplaceName": options.marketplace_name,
        },
        "orderItems": [_item(it, order, options, data, priced=priced) for it in order.items],
    }
    if "BUYER" in data:
        found["buyer"] = {
            "buyerName": order.buyer.name,
            "buyerEmail": f"{order.id.replace('-', '')}@marketplace.example.com",
        }
    if "RECIPIENT" in data and order.status != PENDING:
        found["recipient"] = {"deliveryAddress": _address(order)}
    if "PROCEEDS" in data and priced:
        found["proceeds"] = {"grandTotal": _money(order.total, options)}
    if "FULFILLMENT" in data:
        found["fulfillment"] = {
            "fulfillmentStatus": order.status,
            "fulfilledBy": "AMAZON" if order.by_amazon else "MERCHANT",
            "fulfillmentServiceLevel": "STANDARD",
        }
    if "PAYMENT" in data and priced:
        paid = {"paymentMethod": "CreditCard", "paymentAmount": _money(order.total, options)}
        found["payment"] = {"paymentExecutions": [paid]}
    if "PACKAGES" in data and not order.by_amazon and order.shipped_at:
        found["packages"] = [_package(order)]
    return found


def _item(
    item: Item, order: Order, options: MarketOptions, data: Collection[str], *, priced: bool
) -> Json:
    found: Json = {
        "orderItemId": item.id,
        "quantityOrdered": item.quantity,
        "programs": [],
        "product": {
            "asin": item.asin,
            "title": item.article.name,
            "sellerSku": item.article.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
        },
    }
    if priced:
        unit = _net(item.price, item.tax, options) / item.quantity
        found["product"]["price"] = {"unitPrice": _money(unit, options)}
    if "PROCEEDS" in data and priced:
        found["proceeds"] = _proceeds(item, options)
    if "PROMOTION" in data and item.discount:
        found["promotion"] = {"breakdowns": [{"promotionId": PROMOTION}]}
    if "CANCELLATION" in data and (item.wants_cancel or item.cancelled):
        found["cancellation"] = _cancellation(item)
    if "FULFILLMENT" in data:
        found["fulfillment"] = {
            "quantityFulfilled": item.shipped, "quantityUnfulfilled": item.open,
        }  # fmt: skip
    if "TAX" in data and order.liable:
        collection = {
            "model": "MARKETPLACE_FACILITATOR",
            "responsibleParty": "Amazon Services Europe S.a.r.l.",
        }
        found["tax"] = {"taxCollections": [collection]}
    return found


def _proceeds(item: Item, options: MarketOptions) -> Json:
    parts = [("ITEM", item.price, item.tax)]
    if item.shipping:
        parts.append(("SHIPPING", item.shipping, item.shipping_tax))
    if item.gift_wrap:
        parts.append(("GIFT_WRAP", item.gift_wrap, item.gift_wrap_tax))
    rows: list[Json] = [
        {"type": name, "subtotal": _money(_net(amount, tax, options), options)}
        for name, amount, tax in parts
    ]
    if item.discount:
        off = _money(item.discount, options)
        rows.append({"type": "DISCOUNT", "subtotal": off, "detailedBreakdowns": [
            {"subtype": "ITEM", "value": off},
        ]})  # fmt: skip
    details = [{"subtype": name, "value": _money(tax, options)} for name, _, tax in parts if tax]
    if details:
        rows.append({
            "type": "TAX", "subtotal": _money(item.taxes, options), "detailedBreakdowns": details,
        })  # fmt: skip
    return {"proceedsTotal": _money(item.total, options), "breakdowns": rows}


def _net(amount: Decimal, tax: Decimal, options: MarketOptions) -> Decimal:
    return amount if options.prices_include_tax else amount - tax


def _cancellation(item: Item) -> Json:
    found: Json = {}
    if item.wants_cancel:
        found["cancellationRequest"] = {"requester": "BUYER", "cancelReason": "Changed my mind"}
    if item.cancelled:
        found["cancellationExecution"] = {
            "cancelledBy": item.cancelled_by, "cancelReason": "Cancelled",
        }  # fmt: skip
    return found


def _address(order: Order) -> Json:
    buyer = order.buyer
    return {
        "name": buyer.name,
        "addressLine1": buyer.street,
        "city": buyer.city,
        "postalCode": buyer.postal_code,
        "countryCode": buyer.country,
        "addressType": "RESIDENTIAL",
    }


def _package(order: Order) -> Json:
    return {
        "packageReferenceId": "1",
        "packageStatus": {"status": "SHIPPED"},
        "carrier": "PostNL",
        "trackingNumber": f"3S{order.id.replace('-', '')[:13]}",
        "packageItems": [
            {"orderItemId": it.id, "quantity": it.shipped} for it in order.items if it.shipped
        ],
    }


def _money(amount: Decimal, options: MarketOptions) -> Json:
    return {"amount": text(amount), "currencyCode": options.currency}
