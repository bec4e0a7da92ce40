"""Puts a shop together: state, Admin API, webhooks, buyers, and their control."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from aiohttp import web

from simulators.asked import how_many, json_object
from simulators.catalogue import load_catalogue
from simulators.channel import Channel
from simulators.clock import Clock, SystemClock
from simulators.control import add_control
from simulators.shopify.admin import Admin, not_found
from simulators.shopify.buyers import Buyers
from simulators.shopify.money import Currencies
from simulators.shopify.options import ShopOptions
from simulators.shopify.refunds import ShopError
from simulators.shopify.shop import NoSuchOrder, Shop
from simulators.shopify.webhooks import COUNTERS, KINDS, Sender

#: The version a webhook says it has.
API_VERSION = "2026-07"
ORDERS_AT_ONCE_MAX = 10_000


def shopify_shop(options: ShopOptions, clock: Clock | None = None) -> Channel[ShopOptions]:
    """Build a simulated shop."""
    channel = Channel("shopify", options, clock or SystemClock(), KINDS, COUNTERS)
    sender = Sender(channel, API_VERSION)
    seen = None
    if options.presentment:
        seen = Currencies(
            options.currency, options.presentment, Decimal(str(options.presentment_rate))
        )
    shop = Shop(
        options.shop, Currencies(options.currency, options.currency, Decimal(1)), seen,
        channel.clock, load_catalogue(), channel.books, sender.tell,
    )  # fmt: skip
    buyers = Buyers(channel, shop)

    async def running(_: web.Application) -> AsyncIterator[None]:
        channel.background(buyers.live())
        yield
        await sender.close()

    channel.app.cleanup_ctx.append(running)
    channel.app.middlewares.append(not_found())
    channel.app.add_routes(Admin(channel, shop, sender).routes())
    add_control(channel)
    channel.app.add_routes(_Steering(shop, buyers).routes())
    return channel


class _Steering:
    """Control calls that make something happen in the shop."""

    def __init__(self, shop: Shop, buyers: Buyers) -> None:
        self._shop = shop
        self._buyers = buyers

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/orders", self.orders),
            web.post(r"/control/orders/{id:\d+}/{what:pay|cancel|edit|refund}", self.act),
        ]

    async def orders(self, request: web.Request) -> web.Response:
        """`{"count": n}` orders at random, or one of `{"lines": {sku: quantity}, …}`."""
        try:
            asked = await json_object(request, ShopError)
            if "lines" in asked:
                placed = [self._one(asked)]
            else:
                count = how_many(asked, ORDERS_AT_ONCE_MAX, ShopError)
                placed = [self._buyers.order_at_random() for _ in range(count)]
        except ShopError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(
            {"orders": [{"id": it["id"], "name": it["name"]} for it in placed]}
        )

    def _one(self, asked: dict[str, Any]) -> dict[str, Any]:
        lines = asked["lines"]
        if not isinstance(lines, dict) or not lines:
            raise ShopError(f"lines is {lines!r}, it must be an object of quantities by SKU")
        return self._buyers.order(
            {str(sku): int(quantity) for sku, quantity in lines.items()},
            customer=int(asked.get("customer", 1)),
            code=str(asked.get("code", "")),
            paid=bool(asked.get("paid", True)),
        )

    async def act(self, request: web.Request) -> web.Response:
        """What a clerk or buyer does to one order."""
        order_id, what = int(request.match_info["id"]), request.match_info["what"]
        try:
            asked = await json_object(request, ShopError)
            order = self._shop.order(order_id)
            line_id = int(asked.get("line_id", order["line_items"][0]["id"]))
            if what == "pay":
                self._shop.pay(order_id)
            elif what == "cancel":
                self._shop.cancel(order_id, str(asked.get("reason", "customer")))
            elif what == "edit":
                self._shop.edit(order_id, line_id, int(asked.get("quantity", 0)))
            else:
                shipping = bool(asked.get("shipping", False))
                quantity = int(asked.get("quantity", 1))
                self._shop.refund(order_id, [(line_id, quantity)], shipping=shipping)
        except NoSuchOrder:
            return web.json_response({"error": f"no order {order_id}"}, status=404)
        except ShopError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"id": order_id, "financial_status": order["financial_status"]})
