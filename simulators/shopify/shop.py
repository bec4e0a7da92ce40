"""The shop's state and what can happen to an order: placed, paid, edited, cancelled, refunded.

Each happening changes the resource, is entered in the books, and is told to whoever listens as a
topic with the resource as it is then.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from simulators.catalogue import Item
from simulators.channel import ChannelBooks
from simulators.clock import Clock
from simulators.shopify.basket import Basket, BasketLine
from simulators.shopify.money import ZERO, Currencies, text
from simulators.shopify.orders import Ids, Order, compose, stamp
from simulators.shopify.refunds import (
    RESTOCK_TYPES,
    Payback,
    ShopError,
    line_of,
    refund,
    shipping_left,
    take_off,
)

Listener = Callable[[str, Mapping[str, Any]], None]

CANCEL_REASONS = ("customer", "fraud", "inventory", "declined", "staff", "other")


class NoSuchOrder(LookupError):
    """No order has this id."""


class Shop:
    """Orders by id, in the order they were placed."""

    def __init__(
        self, domain: str, currencies: Currencies, seen: Currencies | None, clock: Clock,
        items: Mapping[str, Item], books: ChannelBooks, tell: Listener,
    ) -> None:  # fmt: skip
        self.domain = domain
        self.orders: dict[int, Order] = {}
        self.items = items
        self._currencies = currencies
        self._seen = seen or currencies
        self._clock = clock
        self._books = books
        self._tell = tell
        self._refunds = 0

    def order(self, order_id: int) -> Order:
        """Return an order. Raises `NoSuchOrder`."""
        try:
            return self.orders[order_id]
        except KeyError:
            raise NoSuchOrder(order_id) from None

    def place(self, basket: Basket, **extra: object) -> Order:
        """A buyer checks out. `extra` are fields of the resource that a caller of the API sets."""
        ids = Ids.of(len(self.orders))
        money = self._seen if basket.presentment else self._currencies
        order = compose(ids, basket, money, self.domain, self._clock.now()) | extra
        self.orders[ids.order] = order
        self._books.enter("order", **_sold(order, basket))
        self._tell("orders/create", order)
        if basket.paid:
            self._tell("orders/paid", order)
        return order

    def pay(self, order_id: int) -> Order:
        """The money came. Raises `ShopError` for an order that is paid or cancelled."""
        order = self.order(order_id)
        if order["financial_status"] != "pending" or order["cancelled_at"]:
            raise ShopError(f"Order cannot be marked as paid: it is {order['financial_status']}")
        order |= {"financial_status": "paid", "total_outstanding": "0.00"}
        self._books.enter("payment", order_id=order_id, total=order["total_price"])
        self._changed(order, "orders/paid")
        return order

    def note(self, order_id: int, values: Mapping[str, object]) -> Order:
        """A clerk changes what does not concern money: note, tags, email."""
        order = self.order(order_id)
        order |= {name: values[name] for name in ("note", "tags", "email") if name in values}
        self._changed(order)
        return order

    def edit(self, order_id: int, line_id: int, quantity: int) -> Order:
        """A clerk sets a line's quantity lower. Raises `ShopError`.

        The discount goes down in proportion; what was paid too much is still to be refunded.
        """
        order = self.order(order_id)
        self._open(order)
        line = line_of(order, line_id)
        before = line["current_quantity"]
        if not 0 <= quantity < before:
            raise ShopError(f"quantity must be from 0 to {before - 1}")
        take_off(order, line, before - quantity)
        self._books.enter(
            "edit", order_id=order_id, line_id=line_id, sku=line["sku"], quantity=quantity
        )
        order["updated_at"] = stamp(self._clock.now())
        self._tell(
            "orders/edited",
            {
                "order_edit": {
                    "id": order_id * 10 + self._books.last_sequence,
                    "app_id": None,
                    "order_id": order_id,
                    "user_id": None,
                    "notify_customer": False,
                    "staff_note": "",
                    "created_at": order["updated_at"],
                    "committed_at": order["updated_at"],
                    "line_items": {
                        "additions": [],
                        "removals": [{"id": line_id, "delta": before - quantity}],
                    },
                    "discounts": {"line_item": {"additions": [], "removals": []}},
                    "shipping_lines": {"additions": [], "removals": []},
                }
            },
        )
        self._tell("orders/updated", order)
        return order

    def cancel(self, order_id: int, reason: str = "other") -> Order:
        """Cancel all of it; what was paid is refunded. Raises `ShopError`."""
        order = self.order(order_id)
        self._open(order)
        if reason not in CANCEL_REASONS:
            raise ShopError(f"reason must be one of {', '.join(CANCEL_REASONS)}")
        paid = order["financial_status"] in ("paid", "partially_refunded")
        now = stamp(self._clock.now())
        order |= {"cancelled_at": now, "cancel_reason": reason, "closed_at": now}
        self._books.enter("cancellation", order_id=order_id, reason=reason)
        if paid:
            every = [
                (line["id"], line["current_quantity"])
                for line in order["line_items"]
                if line["current_quantity"]
            ]
            self._refund(order, Payback(every, shipping_left(order), "cancel"))
        else:
            order["financial_status"] = "voided"
        self._changed(order, "orders/cancelled")
        return order

    def refund(
        self, order_id: int, lines: Sequence[tuple[int, int]], *, shipping: bool = False,
        restock_type: str = "return", note: str | None = None,
    ) -> Order:  # fmt: skip
        """Give money back for lines (id, quantity). Raises `ShopError`."""
        order = self.order(order_id)
        if order["financial_status"] not in ("paid", "partially_refunded"):
            raise ShopError(f"Order is {order['financial_status']}: there is nothing to refund")
        if restock_type not in RESTOCK_TYPES:
            raise ShopError(f"restock_type must be one of {', '.join(RESTOCK_TYPES)}")
        back = shipping_left(order) if shipping else ZERO
        made = self._refund(order, Payback(lines, back, restock_type, note))
        self._changed(order)
        return made

    def estimate(self, order_id: int, lines: Sequence[tuple[int, int]], *, shipping: bool) -> Order:
        """Say what a refund would come to, and change nothing."""
        order = copy.deepcopy(self.order(order_id))
        return self._made(order, Payback(lines, shipping_left(order) if shipping else ZERO))

    # ------------------------------------------------------------------ inside

    def _refund(self, order: Order, wanted: Payback) -> Order:
        made = self._made(order, wanted)
        order["refunds"].append(made)
        left = Decimal(order["current_total_price"])
        order["financial_status"] = "partially_refunded" if left else "refunded"
        self._books.enter(
            "refund",
            refund_id=made["id"],
            order_id=order["id"],
            currency=order["currency"],
            lines=[
                {"line_id": row["line_item_id"], "sku": row["line_item"]["sku"],
                 "quantity": row["quantity"], "amount": row["subtotal"], "tax": row["total_tax"]}
                for row in made["refund_line_items"]
            ],
            taxes_included=order["taxes_included"],
            shipping=text(wanted.shipping),
            shipping_tax=_shipping_tax(made),
            total=made["transactions"][0]["amount"],
            restock=wanted.restock_type,
        )  # fmt: skip
        self._tell("refunds/create", made)
        return made

    def _made(self, order: Order, wanted: Payback) -> Order:
        self._refunds += 1
        return refund(order, wanted, 900_000_000_000 + self._refunds, stamp(self._clock.now()))

    def _open(self, order: Order) -> None:
        if order["cancelled_at"]:
            raise ShopError("Order is already cancelled")

    def _changed(self, order: Order, topic: str | None = None) -> None:
        order["updated_at"] = stamp(self._clock.now())
        if topic:
            self._tell(topic, order)
        self._tell("orders/updated", order)


def _shipping_tax(made: Order) -> str:
    rows = made["refund_shipping_lines"]
    return text(sum((Decimal(it["tax_amount_set"]["shop_money"]["amount"]) for it in rows), ZERO))


def _sold(order: Order, basket: Basket) -> dict[str, object]:
    """The books' entry of an order."""
    return {
        "order_id": order["id"],
        "name": order["name"],
        "placed_at": order["created_at"],
        "country": basket.buyer.country,
        "customer": basket.buyer.number,
        "currency": order["currency"],
        "lines": [
            _sold_line(row, line)
            for row, line in zip(order["line_items"], basket.lines, strict=True)
        ],
        "taxes_included": basket.taxes_included,
        "shipping": text(basket.shipping),
        "shipping_tax": text(basket.shipping_tax),
        "tax": text(basket.tax),
        "total": text(basket.total),
        "paid": basket.paid,
    }  # fmt: skip


def _sold_line(row: Order, line: BasketLine) -> dict[str, object]:
    return {
        "line_id": row["id"],
        "sku": line.item.sku,
        "quantity": line.quantity,
        "unit_price": text(line.price),
        "discount": text(line.discount),
        "tax": text(line.tax),
    }
