"""Looks for what a shop's webhooks did not bring.

Shopify gives a delivery up after eight attempts in four hours, and may lose one without any. So
every few minutes the orders that changed since are read, each with its refunds, and given to the
intake as if webhooks had brought them: what was taken before says nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from gateway.channels.reading import Payload
from gateway.channels.searching import Search
from gateway.channels.shopify import wire
from gateway.channels.shopify.intake import Delivery, Shop, ShopifyIntake
from gateway.clock import Clock
from gateway.errors import BadRequest, MarketUnavailable, OwnerUndecidable
from gateway.ports.marketplaces import PullObserver

#: What cannot be decided now is tried as long as Shopify itself would send it again.
PATIENCE: Final = timedelta(hours=4)
#: Pause after a round that failed.
AGAIN_S: Final = 30.0

_text: Final = msgspec.json.Encoder(enc_hook=str).encode


class Poller:
    """Polls one shop. One process does it at a time; if two do, no harm is done."""

    def __init__(
        self,
        shop: Shop,
        search: Search,
        intake: ShopifyIntake,
        observer: PullObserver,
        clock: Clock,
    ) -> None:
        self.channel = shop.channel
        self._shop = shop
        self._search = search
        self._intake = intake
        self._observer = observer
        self._clock = clock
        self._not_before_s = float("-inf")

    async def look(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Poll if it is time; return what was taken that no webhook had brought."""
        if not go_on() or self._clock.monotonic_s() < self._not_before_s:
            return 0
        try:
            return await self._search.run(self._page)
        except MarketUnavailable as error:
            self._not_before_s = self._clock.monotonic_s() + AGAIN_S
            self._observer.trouble(f"poll {self.channel}", error)
            return 0

    async def _page(self, orders: Sequence[Payload]) -> int:
        """Take a page; what cannot be decided stops nothing else of it."""
        taken, undecided = 0, ""
        for order in orders:
            try:
                taken += await self._order(order)
            except OwnerUndecidable as error:
                if self._is_young(order):
                    undecided = error.detail
                else:
                    self._observer.trouble(f"order of {self.channel}, given up", error)
        if undecided:  # the page is not counted as taken, and comes again
            raise MarketUnavailable(undecided)
        return taken

    async def _order(self, order: Payload) -> int:
        """Take an order as it is now, and what was given back of it."""
        if order.get("test") is True:
            return 0
        for found in wire.drift(order):
            self._observer.drifted(self.channel, found)
        taken = await self._given("orders/updated", order)
        for refund in wire.objects(order, "refunds"):
            taken += await self._given("refunds/create", refund)
        return taken

    async def _given(self, topic: str, payload: Payload) -> int:
        delivery = Delivery(topic, "", payload, _text(payload).decode())
        try:
            taken = await self._intake.take(self._shop, delivery)
        except BadRequest as error:
            self._observer.trouble(f"order of {self.channel}", error)
            return 0
        return sum(not it.replayed for it in taken)

    def _is_young(self, order: Payload) -> bool:
        changed = wire.instant(order, "updated_at")
        return changed is None or self._clock.now() - changed < PATIENCE
