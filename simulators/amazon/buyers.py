"""The people at the other end, the payment behind them, and Amazon's own warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

from simulators.amazon.market import Market, MarketError
from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import CANCELLED, PENDING, Order
from simulators.channel import Channel
from simulators.people import person

BUYERS = 400


class Buyers:
    """Places orders and what follows them, all from one seeded stream."""

    def __init__(self, channel: Channel[MarketOptions], market: Market) -> None:
        self._channel = channel
        self._market = market
        self._chance: Random = channel.chance("buyers")

    async def live(self) -> None:
        """Order at the rate that is set, for as long as the marketplace is open."""
        channel = self._channel
        async for _ in channel.arrivals(lambda: channel.options.orders_per_s, self._chance):
            order = self.order_at_random()
            if self._chance.random() < self._channel.options.cancels:
                self._channel.background(self._think_again(order))

    def order_at_random(self) -> Order:
        """Somebody orders something."""
        options = self._channel.options
        articles = list(self._market.items.values())
        chosen = self._chance.sample(articles, self._chance.choices((1, 2, 3), (6, 3, 1))[0])
        return self.order(
            {it.sku: self._chance.choices((1, 2, 3), (8, 2, 1))[0] for it in chosen},
            customer=self._chance.randrange(1, BUYERS + 1),
            by_amazon=self._chance.random() < options.fba_share,
            liable=self._chance.random() < options.liable_share,
            promoted=self._chance.random() < 0.1,
            gift=self._chance.random() < 0.05,
        )

    def order(
        self,
        wanted: Mapping[str, int],
        *,
        customer: int,
        by_amazon: bool,
        liable: bool,
        promoted: bool = False,
        gift: bool = False,
    ) -> Order:
        """A known customer orders known articles. Raises `MarketError` for an unknown SKU."""
        unknown = [sku for sku in wanted if sku not in self._market.items]
        if unknown:
            raise MarketError(f"no article {', '.join(unknown)}; the catalogue is simulators/data")
        options = self._channel.options
        buyer = person(options.seed, customer, options.country)
        lines = [(self._market.items[sku], quantity) for sku, quantity in wanted.items()]
        order = self._market.place(
            buyer, lines, by_amazon=by_amazon, liable=liable, promoted=promoted, gift=gift
        )
        self._channel.background(self._run_its_course(order))
        return order

    async def _run_its_course(self, order: Order) -> None:
        await asyncio.sleep(self._channel.options.pending_s)
        if order.status != PENDING:
            return
        self._market.authorise(order)
        if order.by_amazon:
            await asyncio.sleep(self._channel.options.ship_after_s)
            if any(it.open for it in order.items):
                self._market.ship(order)

    async def _think_again(self, order: Order) -> None:
        await asyncio.sleep(self._chance.uniform(0, 2 * self._channel.options.pending_s))
        if order.status != CANCELLED and any(it.open for it in order.items):
            self._market.cancel(order)
