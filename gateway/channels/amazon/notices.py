"""ORDER_CHANGE: what a notification says of an order. Quantities come now, money later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.canonical.exchange.pulling import NO_INSTANT, Noticed, NoticedLine
from gateway.channels.amazon import wire
from gateway.channels.reading import Payload, number, read
from gateway.errors import BadRequest

_BY: Final = {"AFN": "channel", "MFN": "retailer"}


def change_of(body: str) -> tuple[Payload, Payload]:
    """Return envelope and content of a notification of a changed order.

    Raises:
        BadRequest: it is no such notification, or names no order.
    """
    message = read(body.encode())
    kind = wire.text(message, "NotificationType")
    if kind != "ORDER_CHANGE":
        raise BadRequest(f"a notification of type {kind!r}; only ORDER_CHANGE is for this queue")
    change = wire.inner(wire.inner(message, "Payload"), "OrderChangeNotification")
    if not wire.text(change, "AmazonOrderId"):
        raise BadRequest("a notification of a changed order that names no AmazonOrderId")
    return message, change


def noticed(message: Payload, change: Payload, channel: str, now: datetime) -> Noticed:
    """Return what is to be asked for."""
    summary = wire.inner(change, "Summary")
    spelled = wire.text(summary, "OrderStatus", 40)
    trigger = wire.inner(change, "OrderChangeTrigger")
    changed_at = (
        wire.instant(trigger, "TimeOfOrderChange")
        or wire.instant(message, "EventTime")
        or NO_INSTANT
    )
    status = wire.SPELLED.get(spelled, spelled)
    if status in wire.WAITING:
        # Of two changes in one millisecond, being paid is the later one.
        changed_at -= timedelta(microseconds=1)
    return Noticed(
        channel=channel,
        order_ref=wire.text(change, "AmazonOrderId", 35),
        changed_at=changed_at,
        status=status,
        fulfilled_by=_BY.get(wire.text(summary, "FulfillmentType"), ""),
        lines=tuple(
            NoticedLine(
                wire.text(it, "OrderItemId", 40),
                wire.text(it, "SellerSKU", 40),
                number(it, "Quantity") or 0,
                number(it, "QuantityShipped") or 0,
            )
            for it in wire.objects(summary, "OrderItems")
        ),
        noticed_at=now,
        due_at=now,
    )
