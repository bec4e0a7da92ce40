"""The people at the other end: they order, pay later, change their minds, send things back."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from simulators.channel import Channel
from simulators.people import person
from simulators.shopify.basket import at_random, fill
from simulators.shopify.options import ShopOptions
from simulators.shopify.orders import Order
from simulators.shopify.refunds import ShopError
from simulators.shopify.shop import Shop

BUYERS = 400


class Buyers:
    """Places orders and what follows them, all from one seeded stream."""

    def __init__(self, channel: Channel[ShopOptions], shop: Shop) -> None:
        self._channel = channel
        self._shop = shop
        self._chance: Random = channel.chance("buyers")

    async def live(self) -> None:
        """Order at the rate that is set, for as long as the shop is open."""
        channel = self._channel
        async for _ in channel.arrivals(lambda: channel.options.orders_per_s, self._chance):
            order = self.order_at_random()
            if self._chance.random() < self._channel.options.followups:
                self._channel.background(self._think_again(order))

    def order_at_random(self) -> Order:
        """Somebody orders something."""
        options = self._channel.options
        buyer = person(options.seed, self._chance.randrange(1, BUYERS + 1), options.country)
        abroad = bool(options.presentment) and self._chance.random() < 0.1
        return self._shop.place(
            at_random(
                self._chance, self._shop.items, buyer, presentment=abroad,
                taxes_included=options.taxes_included,
            )
        )  # fmt: skip

    def order(self, wanted: dict[str, int], *, customer: int, code: str, paid: bool) -> Order:
        """A known customer orders known articles. Raises `ShopError` for an unknown SKU."""
        unknown = [sku for sku in wanted if sku not in self._shop.items]
        if unknown:
            raise ShopError(f"no article {', '.join(unknown)}; the catalogue is simulators/data")
        lines = [(self._shop.items[sku], quantity) for sku, quantity in wanted.items()]
        options = self._channel.options
        buyer = person(options.seed, customer, options.country)
        return self._shop.place(
            fill(buyer, lines, code=code, paid=paid, taxes_included=options.taxes_included)
        )

    async def _think_again(self, order: Order) -> None:
        await asyncio.sleep(self._chance.uniform(0, self._channel.options.followup_s))
        self.think_again(order)

    def think_again(self, order: Order) -> str:
        """Pay what is due, or else cancel, edit or refund; return what it was."""
        order_id = order["id"]
        if order["financial_status"] == "pending":
            self._shop.pay(order_id)
            return "paid"
        line: dict[str, Any] = self._chance.choice(order["line_items"])
        what = self._chance.choice(("cancel", "edit", "refund", "refund"))
        if order["cancelled_at"] or not line["current_quantity"]:
            return "nothing"
        if what == "cancel":
            self._shop.cancel(order_id, "customer")
        elif what == "edit" and line["current_quantity"] > 1:
            self._shop.edit(order_id, line["id"], line["current_quantity"] - 1)
        elif not self._channel.options.refunds:
            return "nothing"
        else:
            what = "refund"
            self._shop.refund(order_id, [(line["id"], 1)])
        return what
