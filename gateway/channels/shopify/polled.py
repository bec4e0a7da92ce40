"""Orders of a shop as a poll finds them, each with its refunds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.channels.drifting import as_text, whole
from gateway.channels.reading import Payload
from gateway.channels.shopify import wire
from gateway.channels.shopify.intake import Delivery, Shop, ShopifyIntake
from gateway.channels.shopify.surprises import surprises_in
from gateway.ports.marketplaces import PullObserver

_text: Final = msgspec.json.Encoder(enc_hook=str).encode


class PolledShop:
    """Implements :class:`gateway.channels.polling.Polled`."""

    def __init__(self, shop: Shop, intake: ShopifyIntake, observer: PullObserver) -> None:
        self.channel = shop.channel
        self._shop = shop
        self._intake = intake
        self._observer = observer

    async def take(self, found: Payload) -> int:
        if found.get("test") is True:
            return 0
        taken = await self._given("orders/updated", found)
        for refund in wire.objects(found, "refunds"):
            taken += await self._given("refunds/create", refund)
        return taken

    async def _given(self, topic: str, payload: Payload) -> int:
        kind, found = surprises_in(topic, payload)
        for surprise in found:
            self._observer.drifted(self.channel, kind, surprise)
        if found:
            name = wire.text(payload, "id", 40)
            self._observer.surprised(self.channel, kind, [whole(name, found, as_text(payload))])
        delivery = Delivery(topic, "", payload, _text(payload).decode())
        taken = await self._intake.take(self._shop, delivery)
        return sum(not it.replayed for it in taken)

    def changed_at(self, found: Payload) -> datetime | None:
        return wire.instant(found, "updated_at")
