"""Puts a returns platform together: state, webhooks, the shop it works for, and their control."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
from aiohttp import web

from simulators.asked import json_object
from simulators.channel import Channel
from simulators.clock import Clock, SystemClock
from simulators.control import add_control
from simulators.loop.api import Api
from simulators.loop.options import LoopOptions
from simulators.loop.platform import REASONS, Order, Platform, Return, ReturnError
from simulators.loop.webhooks import COUNTERS, KINDS, Sender

SHOP_API = "/admin/api/2026-07"
SHOP_S = 10.0


def loop_platform(options: LoopOptions, clock: Clock | None = None) -> Channel[LoopOptions]:
    """Build a simulated returns platform."""
    channel = Channel("loop", options, clock or SystemClock(), KINDS, COUNTERS)
    sender = Sender(channel)
    platform = Platform(channel.clock, channel.books, sender.tell)
    shop = _Shop(channel)

    async def running(_: web.Application) -> AsyncIterator[None]:
        yield
        await sender.close()

    channel.app.cleanup_ctx.append(running)
    add_control(channel)
    channel.app.add_routes(Api(channel, platform).routes())
    channel.app.add_routes(_Steering(channel, platform, shop).routes())
    return channel


class _Shop:
    """The shop's Admin API, as the platform uses it."""

    def __init__(self, channel: Channel[LoopOptions]) -> None:
        self._channel = channel

    async def order(self, order_id: int) -> dict[str, Any]:
        """Read an order."""
        found: dict[str, Any] = (await self._call("GET", f"/orders/{order_id}.json"))["order"]
        return found

    async def refund(self, made: Return, settled: int) -> None:
        """Pay the buyer through the shop for the rows behind the first ``settled``."""
        counts: dict[str, int] = {}
        for row in made.rows[settled:]:
            line = row["provider_line_item_id"]
            counts[line] = counts.get(line, 0) + 1
        rows = [{"line_item_id": int(line), "quantity": count, "restock_type": "return"}
                for line, count in counts.items()]  # fmt: skip
        body = {"refund": {"refund_line_items": rows, "note": f"Return {made.number}"}}
        await self._call("POST", f"/orders/{made.order['id']}/refunds.json", body)

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        options = self._channel.options
        if not options.shop:
            raise ReturnError("no shop is configured; start with --shop")
        timeout = aiohttp.ClientTimeout(total=SHOP_S)
        headers = {"X-Shopify-Access-Token": options.shop_token}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.request(method, f"{options.shop}{SHOP_API}{path}", json=body) as answer,
            ):
                if answer.status >= 300:
                    said = (await answer.text())[:200]
                    raise ReturnError(f"the shop answers {answer.status}: {said}")
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReturnError(f"the shop does not answer: {error}") from None


class _Steering:
    """Control calls: what buyers and the platform's clerks do."""

    def __init__(self, channel: Channel[LoopOptions], platform: Platform, shop: _Shop) -> None:
        self._channel = channel
        self._platform = platform
        self._shop = shop
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
            settled = self._platform.one(number).settled
            made = self._platform.pay(number)
            if self._channel.options.pays:
                await self._shop.refund(made, settled)
            return made
        states = {"close": "closed", "cancel": "cancelled", "expire": "expired"}
        return self._platform.end(number, states[what])

    def _pieces(self, asked: dict[str, Any], order: Order) -> dict[int, int]:
        lines = asked.get("lines")
        if lines is None:
            return {int(self._chance.choice(order["line_items"])["id"]): 1}
        if not isinstance(lines, dict) or not lines:
            raise ReturnError(f"lines is {lines!r}, it must be an object of pieces by line id")
        return {int(line): int(count) for line, count in lines.items()}
