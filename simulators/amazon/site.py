"""Puts a marketplace together: state, API, queue, buyers, and their control."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from simulators.amazon.api import SellingPartnerApi
from simulators.amazon.buyers import Buyers
from simulators.amazon.market import Market, MarketError
from simulators.amazon.notices import COUNTERS, KINDS, Notifier
from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import Order
from simulators.amazon.queue import PATH, Queue
from simulators.amazon.settlements import Settlements
from simulators.amazon.subscriptions import Subscriptions
from simulators.asked import how_many, json_object
from simulators.catalogue import load_catalogue
from simulators.channel import Channel
from simulators.clock import Clock, SystemClock
from simulators.control import add_control

ORDERS_AT_ONCE_MAX = 10_000


def amazon_market(options: MarketOptions, clock: Clock | None = None) -> Channel[MarketOptions]:
    """Build a simulated marketplace."""
    channel = Channel("amazon", options, clock or SystemClock(), KINDS, COUNTERS)
    queue = Queue(channel)
    subscriptions = Subscriptions(channel)
    market = Market(channel, load_catalogue(), Notifier(channel, queue, subscriptions).tell)
    settlements = Settlements(channel, market)
    buyers = Buyers(channel, market)

    async def running(_: web.Application) -> AsyncIterator[None]:
        channel.background(buyers.live())
        yield

    channel.app.cleanup_ctx.append(running)
    channel.app.add_routes(SellingPartnerApi(channel, market, settlements, subscriptions).routes())
    # The JSON protocol posts to /, whatever the queue; its address is in the body.
    channel.app.add_routes([web.post("/", queue.handle), web.post(PATH, queue.handle)])
    add_control(channel)
    channel.app.add_routes(_Steering(market, buyers, settlements).routes())
    return channel


class _Steering:
    """Control calls that make something happen in the marketplace."""

    def __init__(self, market: Market, buyers: Buyers, settlements: Settlements) -> None:
        self._market = market
        self._buyers = buyers
        self._settlements = settlements

    def routes(self) -> list[web.RouteDef]:
        acts = "authorise|ship|cancel|request_cancel|refund"
        return [
            web.post("/control/orders", self.orders),
            web.post(f"/control/orders/{{id}}/{{what:{acts}}}", self.act),
            web.post("/control/settlements", self.settle),
        ]

    async def orders(self, request: web.Request) -> web.Response:
        """`{"count": n}` orders at random, or one of `{"lines": {sku: quantity}, …}`."""
        try:
            asked = await json_object(request, MarketError)
            if "lines" in asked:
                placed = [self._one(asked)]
            else:
                count = how_many(asked, ORDERS_AT_ONCE_MAX, MarketError)
                placed = [self._buyers.order_at_random() for _ in range(count)]
        except MarketError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"orders": [_shown(it) for it in placed]})

    def _one(self, asked: dict[str, Any]) -> Order:
        lines = asked["lines"]
        if not isinstance(lines, dict) or not lines:
            raise MarketError(f"lines is {lines!r}, it must be an object of quantities by SKU")
        return self._buyers.order(
            {str(sku): int(quantity) for sku, quantity in lines.items()},
            customer=int(asked.get("customer", 1)),
            by_amazon=bool(asked.get("by_amazon", False)),
            liable=bool(asked.get("liable", False)),
            promoted=bool(asked.get("promoted", False)),
            gift=bool(asked.get("gift", False)),
        )

    async def act(self, request: web.Request) -> web.Response:
        """What the payment, a buyer, a clerk or Amazon does to one order."""
        what = request.match_info["what"]
        try:
            asked = await json_object(request, MarketError)
            order = self._market.order(request.match_info["id"])
            item_id = str(asked.get("item_id", ""))
            if what == "authorise":
                self._market.authorise(order)
            elif what == "ship":
                self._market.ship(order)
            elif what == "request_cancel":
                self._market.request_cancel(order)
            elif what == "cancel":
                self._market.cancel(order, item_id, int(asked.get("quantity", 0)))
            else:
                item = order.items[0]
                amount = Decimal(str(asked.get("amount", item.price - item.discount)))
                self._market.refund(order, item_id or item.id, amount)
        except KeyError:
            text = f"no order {request.match_info['id']}"
            return web.json_response({"error": text}, status=404)
        except (MarketError, InvalidOperation) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(_shown(order))

    async def settle(self, _: web.Request) -> web.Response:
        """The settlement period ends."""
        report = self._settlements.settle()
        return web.json_response({"report_id": report.id, "document_id": report.document_id})


def _shown(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "status": order.status,
        "total": str(order.total),
        "items": [it.id for it in order.items],
    }
