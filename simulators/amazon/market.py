"""The marketplace's state, and what can happen to an order.

Placed, authorised, shipped, asked to be cancelled, cancelled, refunded: each happening is entered
in the books and told to whoever listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import (
    CANCELLED,
    PENDING,
    SHIPPED,
    ZERO,
    Item,
    Order,
    fill,
    number,
    status_of,
)
from simulators.catalogue import Item as Article
from simulators.channel import Channel
from simulators.people import Person

#: Told of each change of an order, with the kind and the reason a notification states.
Listener = Callable[[Order, str, str], None]

STATUS_CHANGE = "OrderStatusChange"
BUYER_REQUEST = "BuyerRequestedChange"


class MarketError(ValueError):
    """What was asked cannot happen to this order."""


class Market:
    """Orders by id, in the order they were placed."""

    def __init__(
        self, channel: Channel[MarketOptions], items: Mapping[str, Article], tell: Listener
    ) -> None:
        self.orders: dict[str, Order] = {}
        self.items = items
        self._channel = channel
        self._books = channel.books
        self._tell = tell
        self._chance = channel.chance("orders")

    def now(self) -> datetime:
        """The marketplace's clock, which a fault may set wrong."""
        now = self._channel.clock.now()
        fault = self._channel.faults.on("clock_skew")
        if fault is not None:
            self._channel.counters.raise_to("skewed", 1)
            sign = -1 if fault.mode == "behind" else 1
            return now + sign * timedelta(milliseconds=fault.delay_ms)
        return now

    def order(self, order_id: str) -> Order:
        """Return an order. Raises `KeyError`."""
        return self.orders[order_id]

    def place(
        self,
        buyer: Person,
        wanted: Sequence[tuple[Article, int]],
        *,
        by_amazon: bool,
        liable: bool,
        promoted: bool = False,
        gift: bool = False,
    ) -> Order:
        """A buyer orders; the payment is still to be authorised."""
        place = len(self.orders)
        now = self.now()
        items = fill(place, wanted, buyer.country, promoted=promoted, gift=gift)
        order = Order(number(place, self._chance), now, now, buyer, by_amazon, liable, items)
        self.orders[order.id] = order
        self._books.enter(
            "order",
            order_id=order.id,
            fulfilled_by="amazon" if by_amazon else "merchant",
            channel_liable=liable,
            total=str(order.total),
            tax=str(sum((it.taxes for it in items), ZERO)),
            currency=self._channel.options.currency,
            lines=[
                {
                    "item_id": it.id, "sku": it.article.sku, "quantity": it.quantity,
                    "amount": str(it.price - it.discount), "tax": str(it.tax),
                    "shipping": str(it.shipping), "gift_wrap": str(it.gift_wrap),
                    "shipping_tax": str(it.shipping_tax), "gift_wrap_tax": str(it.gift_wrap_tax),
                }
                for it in items
            ],
        )  # fmt: skip
        self._tell(order, STATUS_CHANGE, "Order placed")
        return order

    def authorise(self, order: Order) -> None:
        """The payment is authorised: the order may be shipped. Raises `MarketError`."""
        if order.status != PENDING:
            raise MarketError(f"the payment of an order that is {order.status} is decided")
        self._changed(order, "authorised", "Payment authorised", order_id=order.id)

    def ship(self, order: Order, pieces: Mapping[str, int] | None = None) -> None:
        """Pieces by item leave, all that are open without ``pieces``. Raises `MarketError`."""
        if order.status in (PENDING, CANCELLED, SHIPPED):
            raise MarketError(f"an order that is {order.status} cannot be shipped")
        leaving = pieces or {it.id: it.open for it in order.items if it.open}
        for item_id, quantity in leaving.items():
            if not 0 < quantity <= _item(order, item_id).open:
                raise MarketError(f"item {item_id} has fewer than {quantity} pieces open")
        for item_id, quantity in leaving.items():
            order.item(item_id).shipped += quantity
        order.shipped_at = self.now()
        self._changed(order, "shipment", "Shipped", order_id=order.id, pieces=dict(leaving))

    def request_cancel(self, order: Order) -> None:
        """The buyer asks the seller to cancel; nothing is cancelled by that."""
        if order.status in (CANCELLED, SHIPPED):
            raise MarketError(f"an order that is {order.status} cannot be cancelled")
        for it in order.items:
            it.wants_cancel = True
        order.updated = self.now()
        self._books.enter("cancel_request", order_id=order.id)
        self._tell(order, BUYER_REQUEST, "Buyer Requested Cancel")

    def cancel(self, order: Order, item_id: str = "", quantity: int = 0) -> None:
        """Cancel what is open: pieces of an item, an item, or all. Raises `MarketError`."""
        items = [_item(order, item_id)] if item_id else order.items
        gone = {it.id: quantity or it.open for it in items if it.open}
        if not gone or any(count > order.item(it).open for it, count in gone.items()):
            raise MarketError(f"order {order.id} has not so many pieces open")
        by = "BUYER" if order.status == PENDING else "MERCHANT"
        for it, count in gone.items():
            order.item(it).cancelled += count
            order.item(it).cancelled_by = by
        self._changed(order, "cancellation", "Cancelled", order_id=order.id, pieces=gone)

    def refund(self, order: Order, item_id: str, amount: Decimal) -> None:
        """The seller gives back part of what was shipped. Raises `MarketError`."""
        item = _item(order, item_id)
        if not item.shipped or not ZERO < amount <= item.price - item.discount:
            raise MarketError(f"item {item_id} cannot be refunded {amount}")
        self._books.enter(
            "refund", order_id=order.id, item_id=item_id, sku=item.article.sku, amount=str(amount)
        )

    def _changed(self, order: Order, kind: str, reason: str, **entry: object) -> None:
        was_pending = order.status == PENDING
        order.status = status_of(order)
        if was_pending and kind == "cancellation" and order.status != CANCELLED:
            order.status = PENDING
        order.updated = self.now()
        self._books.enter(kind, **entry)
        self._tell(order, STATUS_CHANGE, reason)


def _item(order: Order, item_id: str) -> Item:
    try:
        return order.item(item_id)
    except KeyError:
        raise MarketError(f"order {order.id} has no item {item_id}") from None
