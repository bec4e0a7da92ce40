"""The wire of Amazon's orders (Orders API 2026-01-01) and of their notifications.

Read tolerantly: what nobody announced is *drift*, counted so that somebody looks at what it means.

Source: orders_2026-01-01.json and OrderChangeNotification.json of amzn/selling-partner-api-models.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from gateway.channels.reading import Payload, decimal, inner, instant, objects, text, texts

__all__ = [
    "drift",
    "inner",
    "instant",
    "money",
    "notice_drift",
    "objects",
    "status",
    "text",
]

#: Datasets an order is asked for with. The others cost as much and say nothing an ERP books.
DATA: Final = (
    "BUYER", "RECIPIENT", "PROCEEDS", "PROMOTION", "CANCELLATION", "FULFILLMENT", "TAX", "PAYMENT",
)  # fmt: skip

WAITING: Final = frozenset({"PENDING", "PENDING_AVAILABILITY"})
READY: Final = frozenset({"UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"})
CANCELLED: Final = "CANCELLED"
UNFULFILLABLE: Final = "UNFULFILLABLE"
STATUSES: Final = WAITING | READY | {CANCELLED, UNFULFILLABLE}

#: How notifications spell it, as Orders v0 did.
SPELLED: Final = {
    "PendingAvailability": "PENDING_AVAILABILITY",
    "Pending": "PENDING",
    "Unshipped": "UNSHIPPED",
    "PartiallyShipped": "PARTIALLY_SHIPPED",
    "Shipped": "SHIPPED",
    "Canceled": CANCELLED,
    "Unfulfillable": UNFULFILLABLE,
}
NOTICE_TYPES: Final = frozenset({"OrderStatusChange", "BuyerRequestedChange", "DeliveryTipChange"})

_ORDER: Final = frozenset(
    [
        "orderId", "orderAliases", "createdTime", "lastUpdatedTime", "programs",
        "associatedOrders", "salesChannel", "buyer", "recipient", "proceeds", "payment", "tax",
        "fulfillment", "orderItems", "packages", "fulfillmentOrders",
    ]
)  # fmt: skip
_ITEM: Final = frozenset(
    [
        "orderItemId", "quantityOrdered", "measurement", "associatedOrderItems", "programs",
        "product", "proceeds", "expense", "promotion", "cancellation", "fulfillment", "tax",
    ]
)  # fmt: skip
_PARTS: Final = frozenset(["ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE", "OTHER", "TAX", "DISCOUNT"])
_CHANGE: Final = frozenset(
    [
        "NotificationLevel", "SellerId", "AmazonOrderId", "OrderChangeType", "OrderChangeTrigger",
        "Summary",
    ]
)  # fmt: skip
_SUMMARY: Final = frozenset(
    [
        "MarketplaceId", "OrderStatus", "PurchaseDate", "DestinationPostalCode",
        "FulfillmentType", "OrderType", "NumberOfItemsShipped", "NumberOfItemsUnshipped",
        "EarliestDeliveryDate", "LatestDeliveryDate", "EarliestShipDate", "LatestShipDate",
        "CancelNotifyDate", "OrderPrograms", "ShippingPrograms", "EasyShipShipmentStatus",
        "ElectronicInvoiceStatus", "OrderItems", "SupplySourceId",
    ]
)  # fmt: skip
_NEVER_NULL: Final = (
    "orderId", "createdTime", "lastUpdatedTime", "orderItems", "fulfillment", "programs", "buyer",
)  # fmt: skip
_PROGRAMS: Final = frozenset(
    [
        "AMAZON_BAZAAR", "AMAZON_BUSINESS", "AMAZON_EASY_SHIP", "AMAZON_HAUL",
        "DELIVERY_BY_AMAZON", "FBM_SHIP_PLUS", "IN_STORE_PICK_UP", "PREMIUM", "PREORDER", "PRIME",
    ]
)  # fmt: skip
_SERVICES: Final = frozenset(
    ["EXPEDITED", "FREE_ECONOMY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "SECOND_DAY", "SCHEDULED",
     "STANDARD"]
)  # fmt: skip


def status(order: Payload) -> str:
    """Return how far an order is, in the words of 2026-01-01."""
    return text(inner(order, "fulfillment"), "fulfillmentStatus", 40)


def money(of: Payload, name: str) -> Decimal | None:
    """Return an amount, None if there is none; raise :class:`ValueError` if it is none."""
    found = of.get(name)
    if found is None:
        return None
    return decimal(inner(of, name).get("amount"), name)


def drift(order: Payload) -> list[str]:
    """Name what an order has that nobody announced: ``field:…``, ``null:…``, ``value:…=…``."""
    return list(dict.fromkeys(_drift(order)))


def _drift(order: Payload) -> Iterator[str]:
    yield from (f"field:{name[:40]}" for name in order if name not in _ORDER)
    yield from (f"null:{name}" for name in _NEVER_NULL if name in order and order[name] is None)
    fulfillment = inner(order, "fulfillment")
    for name, words in (("fulfillmentStatus", STATUSES), ("fulfillmentServiceLevel", _SERVICES)):
        word = text(fulfillment, name, 40)
        if word and word not in words:
            yield f"value:{name}={word}"
    for word in texts(order, "programs"):
        if word not in _PROGRAMS:
            yield f"value:programs={word[:40]}"
    for item in objects(order, "orderItems"):
        yield from (f"field:orderItems.{name[:40]}" for name in item if name not in _ITEM)
        for part in objects(inner(item, "proceeds"), "breakdowns"):
            if text(part, "type", 40) not in _PARTS:
                yield f"value:breakdowns.type={text(part, 'type', 40)}"


def notice_drift(change: Payload) -> list[str]:
    """Name what a notification has that nobody announced."""
    summary = inner(change, "Summary")
    trigger = inner(change, "OrderChangeTrigger")
    found = [f"field:{name[:40]}" for name in change if name not in _CHANGE]
    found += [f"field:Summary.{name[:40]}" for name in summary if name not in _SUMMARY]
    if "TimeOfOrderChange" in trigger and trigger["TimeOfOrderChange"] is None:
        found.append("null:OrderChangeTrigger.TimeOfOrderChange")
    kind, spelled = text(change, "OrderChangeType", 40), text(summary, "OrderStatus", 40)
    if kind not in NOTICE_TYPES:
        found.append(f"value:OrderChangeType={kind}")
    if spelled not in SPELLED:
        found.append(f"value:OrderStatus={spelled}")
    return found
