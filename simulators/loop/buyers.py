"""Buyers who send something back by themselves: they ask, are paid or not, and it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from simulators.channel import Channel
from simulators.loop.options import LoopOptions
from simulators.loop.platform import REASONS, Order, Platform, Return, ReturnError
from simulators.loop.shop import Shop


class Buyers:
    """Sends pieces of the shop's orders back, all from one seeded stream."""

    def __init__(self, channel: Channel[LoopOptions], platform: Platform, shop: Shop) -> None:
        self._channel = channel
        self._platform = platform
        self._shop = shop
        self._chance: Random = channel.chance("returns")

    async def live(self) -> None:
        """Ask at the rate that is set, for as long as the platform is open."""
        channel = self._channel
        async for _ in channel.arrivals(lambda: channel.options.returns_per_s, self._chance):
            channel.background(self._send_back())

    async def pay(self, number: int) -> Return:
        """Pay a buyer, through the shop if that is how it is done. Raises `ReturnError`."""
        settled = self._platform.one(number).settled
        made = self._platform.pay(number)
        if self._channel.options.pays:
            await self._shop.refund(made, settled)
        return made

    async def _send_back(self) -> None:
        """A piece of an order comes back; what the shop refuses meanwhile is left as it is."""
        with suppress(ReturnError):
            orders = [it for it in await self._shop.orders() if self._may_come_back(it)]
            if not orders:
                return
            order = self._chance.choice(orders)
            line = self._chance.choice(order["line_items"])
            reason = self._chance.choice(REASONS)
            made = self._platform.ask(order, {int(line["id"]): 1}, Decimal(0), reason)
            await self._pause()
            what = self._chance.choice(("pay", "pay", "close", "cancel"))
            if what == "cancel":
                self._platform.end(made.number, "cancelled")
                return
            if what == "pay":
                await self.pay(made.number)
                await self._pause()
            self._platform.end(made.number, "closed")

    def _may_come_back(self, order: Order) -> bool:
        """Whether an order is paid, whole, and old enough to have been received."""
        youngest = timedelta(seconds=self._channel.options.youngest_s)
        return (
            order["financial_status"] == "paid"
            and not order["cancelled_at"]
            and not order["refunds"]
            and datetime.fromisoformat(order["created_at"]) + youngest < self._channel.clock.now()
            and all(_is_whole(it) for it in order["line_items"])
        )

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, self._channel.options.followup_s))


def _is_whole(line: Mapping[str, Any]) -> bool:
    return bool(line["current_quantity"] == line["quantity"])
