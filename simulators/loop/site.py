"""Puts a returns platform together: state, webhooks, the shop it works for, and their control."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from simulators.asked import json_object
from simulators.channel import Channel
from simulators.clock import Clock, SystemClock
from simulators.control import add_control
from simulators.loop.api import Api
from simulators.loop.buyers import Buyers
from simulators.loop.options import LoopOptions
from simulators.loop.platform import REASONS, Order, Platform, Return, ReturnError
from simulators.loop.shop import Shop
from simulators.loop.webhooks import COUNTERS, KINDS, Sender


def loop_platform(options: LoopOptions, clock: Clock | None = None) -> Channel[LoopOptions]:
    """Build a simulated returns platform."""
    channel = Channel("loop", options, clock or SystemClock(), KINDS, COUNTERS)
    sender = Sender(channel)
    platform = Platform(channel.clock, channel.books, sender.tell)
    shop = Shop(channel)
    buyers = Buyers(channel, platform, shop)

    async def running(_: web.Application) -> AsyncIterator[None]:
        channel.background(buyers.live())
        yield
        await sender.close()

    channel.app.cleanup_ctx.append(running)
    add_control(channel)
    channel.app.add_routes(Api(channel, platform).routes())
    channel.app.add_routes(_Steering(channel, platform, shop, buyers).routes())
    return channel


class _Steering:
    """Control calls: what buyers and the platform's clerks do."""

    def __init__(
        self, channel: Channel[LoopOptions], platform: Platform, shop: Shop, buyers: Buyers
    ) -> None:
        self._platform = platform
        self._shop = shop
        self._buyers = buyers
        self._chance = channel.chance("buyers")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/returns", self.ask),
            web.get(r"/control/returns/{id:\d+}", self.show),
            web.post(r"/control/returns/{id:\d+}/{what:add|pay|close|cancel|expire}", self.act),
        ]

    async def ask(self, request: web.Request) -> web.Response:
        """`{"order_id": n, "lines": {line_id: pieces}, "fee": "2.00"}`: a buyer asks for a return.

        Without lines a piece of a line by chance comes back.
        """
        try:
            asked = await json_object(request, ReturnError)
            order = await self._shop.order(int(asked["order_id"]))
            made = self._platform.ask(
                order, self._pieces(asked, order), Decimal(str(asked.get("fee", "0.00"))),
                self._chance.choice(REASONS),
            )  # fmt: skip
        except (ReturnError, KeyError, ValueError, InvalidOperation) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(made.as_json())

    async def show(self, request: web.Request) -> web.Response:
        """One return as it is."""
        try:
            return web.json_response(self._platform.one(int(request.match_info["id"])).as_json())
        except ReturnError as error:
            return web.json_response({"error": str(error)}, status=404)

    async def act(self, request: web.Request) -> web.Response:
        """What happens to a return."""
        number, what = int(request.match_info["id"]), request.match_info["what"]
        try:
            made = await self._done(number, what, await json_object(request, ReturnError))
        except (ReturnError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(made.as_json())

    async def _done(self, number: int, what: str, asked: dict[str, Any]) -> Return:
        if what == "add":
            made = self._platform.one(number)
            return self._platform.add(number, self._pieces(asked, made.order))
        if what == "pay":
            return await self._buyers.pay(number)
        states = {"close": "closed", "cancel": "cancelled", "expire": "expired"}
        return self._platform.end(number, states[what])

    def _pieces(self, asked: dict[str, Any], order: Order) -> dict[int, int]:
        lines = asked.get("lines")
        if lines is None:
            return {int(self._chance.choice(order["line_items"])["id"]): 1}
        if not isinstance(lines, dict) or not lines:
            raise ReturnError(f"lines is {lines!r}, it must be an object of pieces by line id")
        return {int(line): int(count) for line, count in lines.items()}
