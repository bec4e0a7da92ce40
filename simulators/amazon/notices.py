"""ORDER_CHANGE notifications, put into a queue that promises neither order nor once.

Shape: schemas/notifications/OrderChangeNotification.json of amzn/selling-partner-api-models. No
prices are in it: quantities come fast, money has to be asked for.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from random import Random
from typing import Any

from simulators.amazon.classic import STATUSES
from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import PENDING, Item, Order
from simulators.amazon.queue import Queue
from simulators.amazon.stamps import stamp
from simulators.amazon.subscriptions import Subscriptions
from simulators.channel import Channel
from simulators.faults import FaultKind

KINDS: Mapping[str, FaultKind] = {
    "duplicate_notification": FaultKind(200, (), "a notification comes again delay_ms later"),
    "disordered_notification": FaultKind(3000, (), "a notification is held back for delay_ms"),
    "missing_notification": FaultKind(0, (), "a notification is never sent"),
    "clock_skew": FaultKind(
        600_000, ("ahead", "behind"), "from now on the marketplace's clock is delay_ms wrong"
    ),
    "schema_surprise": FaultKind(
        0, ("unknown_field", "null", "new_enum"),
        "a notification or order has what nobody announced",
    ),
    "token_expiry": FaultKind(0, (), "the access token presented is stale at once (403)"),
    "truncated_file": FaultKind(
        0, ("text", "packed"), "half of a report's document is served: of its text, or of its bytes"
    ),
}  # fmt: skip
COUNTERS = (
    "notifications",  # changes of orders, whatever became of telling them
    "notifications_unsubscribed",  # nobody has subscribed to
    "notifications_queued",  # messages put into the queue
    "notifications_duplicated",  # put there again by the fault
    "notifications_disordered",  # held back by the fault
    "notifications_missing",  # dropped by the fault
    "received",  # messages handed out by the queue, again and again if not deleted
    "deleted",  # messages deleted from it
    "in_queue",  # now: messages in the queue, handed out or not
    "forbidden_403",  # no access token, an unknown or a stale one
    "tokens",  # access tokens given out
    "token_expiries",  # made stale before their time by the fault
    "searches",  # searchOrders and getOrders that were answered
    "surprises",  # answers and notifications nobody announced
    "skewed",  # 1 once the marketplace's clock was wrong
    "truncated_files",  # documents served by half
    "settlements",  # settlement reports made
)

Json = dict[str, Any]


class Notifier:
    """Tells of every change of an order."""

    def __init__(
        self, channel: Channel[MarketOptions], queue: Queue, subscriptions: Subscriptions
    ) -> None:
        self._channel = channel
        self._queue = queue
        self._subscriptions = subscriptions
        self._ids: Random = channel.chance("notification ids")

    def tell(self, order: Order, kind: str, reason: str) -> None:
        """Put a notification into the queue of who subscribed, or what a fault makes of that."""
        channel = self._channel
        channel.counters.add("notifications")
        subscriptions = self._subscriptions.of_order_change(kind)
        if not subscriptions:
            channel.counters.add("notifications_unsubscribed")
        for it in subscriptions:
            self._send(self._message(order, kind, reason, it.id))

    def _send(self, message: Json) -> None:
        channel = self._channel
        if channel.faults.fires("missing_notification"):
            channel.counters.add("notifications_missing")
            return
        body = json.dumps(self._surprising(message))
        late = channel.faults.fires("disordered_notification")
        if late:
            channel.counters.add("notifications_disordered")
            channel.background(self._later(body, late.delay_s))
        else:
            self._put(body)
        again = channel.faults.fires("duplicate_notification")
        if again:
            channel.counters.add("notifications_duplicated")
            channel.background(self._later(body, again.delay_s))

    def _put(self, body: str) -> None:
        self._channel.counters.add("notifications_queued")
        self._queue.put(body)

    async def _later(self, body: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._put(body)

    def _message(self, order: Order, kind: str, reason: str, subscription_id: str) -> Json:
        options = self._channel.options
        at = stamp(order.updated)
        return {
            "NotificationVersion": "1.0",
            "NotificationType": "ORDER_CHANGE",
            "PayloadVersion": "1.0",
            "EventTime": at,
            "Payload": {
                "OrderChangeNotification": {
                    "NotificationLevel": "OrderLevel",
                    "SellerId": options.seller,
                    "AmazonOrderId": order.id,
                    "OrderChangeType": kind,
                    "OrderChangeTrigger": {"TimeOfOrderChange": at, "ChangeReason": reason},
                    "Summary": _summary(order, options),
                }
            },
            "NotificationMetadata": {
                "ApplicationId": "amzn1.sellerapps.app.gateway",
                "SubscriptionId": subscription_id,
                "PublishTime": at,
                "NotificationId": str(uuid.UUID(int=self._ids.getrandbits(128), version=4)),
            },
        }

    def _surprising(self, message: Json) -> Json:
        surprise = self._channel.faults.fires("schema_surprise")
        if surprise is None:
            return message
        self._channel.counters.add("surprises")
        change = message["Payload"]["OrderChangeNotification"]
        if surprise.mode == "unknown_field":
            change["Summary"]["LoyaltyTierV2"] = "gold"
        elif surprise.mode == "null":
            change["OrderChangeTrigger"]["TimeOfOrderChange"] = None
        else:
            change["OrderChangeType"] = "SomethingElseChange"
        return message


def _summary(order: Order, options: MarketOptions) -> Json:
    return {
        "MarketplaceId": options.marketplace,
        "OrderStatus": STATUSES[order.status],
        "PurchaseDate": stamp(order.created),
        "DestinationPostalCode": order.buyer.postal_code,
        "FulfillmentType": "AFN" if order.by_amazon else "MFN",
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": sum(it.shipped for it in order.items),
        "NumberOfItemsUnshipped": sum(it.open for it in order.items),
        "OrderPrograms": ["Prime"] if order.by_amazon else [],
        "OrderItems": [_item(it, order) for it in order.items],
    }


def _item(item: Item, order: Order) -> Json:
    if order.status == PENDING:
        status = "Pending"
    elif item.cancelled == item.quantity:
        status = "Canceled"
    else:
        status = "Unshipped" if item.open else "Shipped"
    return {
        "OrderItemId": item.id,
        "SellerSKU": item.article.sku,
        "SupplySourceId": None,
        "OrderItemStatus": status,
        "Quantity": item.quantity - item.cancelled,
        "QuantityShipped": item.shipped,
        "IsBuyerRequestedCancel": item.wants_cancel,
    }
