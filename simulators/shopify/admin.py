"""The Admin API over REST: orders, refunds, webhooks, and what a client asks besides.

Errors have Shopify's bodies: ``{"errors": …}``. Every answer says how full the call bucket is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from simulators.asked import json_object
from simulators.channel import CONTROL, Channel
from simulators.shopify.limits import Bucket
from simulators.shopify.options import ShopOptions
from simulators.shopify.orders import LOCATION_ID, Order
from simulators.shopify.pages import PageError, page_of
from simulators.shopify.refunds import ShopError
from simulators.shopify.shop import NoSuchOrder, Shop
from simulators.shopify.webhooks import Sender, Subscription

TOPICS = (
    "orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled",
    "refunds/create", "app/uninstalled",
)  # fmt: skip
NO_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 -- what the API says

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """A request that is answered with an error body."""

    def __init__(self, status: int, errors: object) -> None:
        super().__init__(str(errors))
        self.status = status
        self.errors = errors


class Admin:
    """The handlers of one shop's Admin API."""

    def __init__(self, channel: Channel[ShopOptions], shop: Shop, sender: Sender) -> None:
        self._channel = channel
        self._shop = shop
        self._sender = sender
        options = channel.options
        self._bucket = Bucket(options.bucket, options.leak_per_s)

    def routes(self) -> list[web.RouteDef]:
        """Every route, under any dated version."""
        base = r"/admin/api/{version:\d{4}-\d{2}}"
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/shop.json", self.shop),
            ("GET", "/locations.json", self.locations),
            ("GET", "/orders.json", self.orders),
            ("GET", "/orders/count.json", self.count),
            ("GET", r"/orders/{id:\d+}.json", self.order),
            ("PUT", r"/orders/{id:\d+}.json", self.change),
            ("POST", r"/orders/{id:\d+}/cancel.json", self.cancel),
            ("GET", r"/orders/{id:\d+}/refunds.json", self.refunds),
            ("POST", r"/orders/{id:\d+}/refunds.json", self.refund),
            ("POST", r"/orders/{id:\d+}/refunds/calculate.json", self.calculate),
            ("GET", "/webhooks.json", self.webhooks),
            ("GET", "/webhooks/count.json", self.webhook_count),
            ("POST", "/webhooks.json", self.subscribe),
            ("GET", r"/webhooks/{id:\d+}.json", self.webhook),
            ("DELETE", r"/webhooks/{id:\d+}.json", self.unsubscribe),
        )
        return [web.route(method, base + path, self._guarded(to)) for method, path, to in table]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._admit(request)
                await self._channel.work()
                answer = await handler(request)
            except Refused as refused:
                answer = web.json_response({"errors": refused.errors}, status=refused.status)
                if refused.status == 429:
                    answer.headers["Retry-After"] = "2.0"
            except NoSuchOrder:
                answer = web.json_response({"errors": "Not Found"}, status=404)
            except ShopError as error:
                answer = web.json_response({"errors": {"base": [str(error)]}}, status=422)
            answer.headers["X-Shopify-Shop-Api-Call-Limit"] = (
                f"{self._bucket.used}/{self._bucket.size}"
            )
            answer.headers["X-Shopify-API-Version"] = request.match_info["version"]
            return answer

        return guarded

    def _admit(self, request: web.Request) -> None:
        counters = self._channel.counters
        if request.headers.get("X-Shopify-Access-Token") != self._channel.options.access_token:
            counters.add("unauthorized_401")
            raise Refused(401, NO_TOKEN)
        throttled = self._channel.faults.fires("throttle")
        if throttled:
            counters.add("throttle_faults")
        if throttled or self._bucket.take(self._channel.clock.monotonic_s()) is not None:
            counters.add("throttled_429")
            rate = f"{self._bucket.leak_per_s:g}"
            raise Refused(
                429,
                f"Exceeded {rate} calls per second for api client. "
                "Reduce request rates to resume uninterrupted service.",
            )

    # ------------------------------------------------------------------ shop

    async def shop(self, _: web.Request) -> web.Response:
        options = self._channel.options
        return web.json_response(
            {
                "shop": {
                    "id": 548380009, "name": "Voorbeeld", "domain": options.shop,
                    "myshopify_domain": options.shop, "country_code": options.country,
                    "currency": options.currency, "taxes_included": options.taxes_included,
                    "iana_timezone": "Europe/Amsterdam", "plan_name": "basic",
                }
            }
        )  # fmt: skip

    async def locations(self, _: web.Request) -> web.Response:
        place = {"id": LOCATION_ID, "name": "Warehouse", "active": True,
                 "country_code": self._channel.options.country}  # fmt: skip
        return web.json_response({"locations": [place]})

    # ------------------------------------------------------------------ orders

    async def orders(self, request: web.Request) -> web.Response:
        """A page of orders, the newest first, with a cursor in the Link header."""
        try:
            page = page_of(list(self._shop.orders.values()), request.query)
        except PageError as error:
            raise Refused(400, {error.name: error.problem}) from None
        answer = web.json_response({"orders": [_fields(it, request) for it in page.orders]})
        if page.cursors:
            at = str(request.url.with_query(None))
            limit = f"limit={page.limit}&" if "limit" in request.query else ""
            links = [f'<{at}?{limit}page_info={it}>; rel="{rel}"' for rel, it in page.cursors]
            answer.headers["Link"] = ", ".join(links)
        return answer

    async def count(self, request: web.Request) -> web.Response:
        try:
            page = page_of(list(self._shop.orders.values()), request.query)
        except PageError as error:
            raise Refused(400, {error.name: error.problem}) from None
        return web.json_response({"count": page.matching})

    async def order(self, request: web.Request) -> web.Response:
        return web.json_response({"order": _fields(self._order(request), request)})

    async def change(self, request: web.Request) -> web.Response:
        values = (await json_object(request, _bad_request)).get("order")
        if not isinstance(values, dict):
            raise Refused(400, {"order": "Required parameter missing or invalid"})
        self._order(request)
        changed = self._shop.note(int(request.match_info["id"]), values)
        return web.json_response({"order": changed})

    async def cancel(self, request: web.Request) -> web.Response:
        values = await json_object(request, _bad_request)
        self._order(request)
        order_id = int(request.match_info["id"])
        reason = values.get("reason") or request.query.get("reason") or "other"
        cancelled = self._shop.cancel(order_id, str(reason))
        return web.json_response({"order": cancelled})

    async def refunds(self, request: web.Request) -> web.Response:
        return web.json_response({"refunds": self._order(request)["refunds"]})

    async def refund(self, request: web.Request) -> web.Response:
        asked = await self._asked(request)
        lines = _wanted(asked)
        rows = asked.get("refund_line_items") or []
        made = self._shop.refund(
            int(request.match_info["id"]),
            lines,
            shipping=_full_shipping(asked),
            restock_type=str(rows[0].get("restock_type", "no_restock")) if rows else "no_restock",
            note=asked.get("note"),
        )
        return web.json_response({"refund": made}, status=201)

    async def calculate(self, request: web.Request) -> web.Response:
        asked = await self._asked(request)
        order_id = int(request.match_info["id"])
        estimate = self._shop.estimate(order_id, _wanted(asked), shipping=_full_shipping(asked))
        for transaction in estimate["transactions"]:
            transaction["kind"] = "suggested_refund"
        return web.json_response({"refund": estimate})

    async def _asked(self, request: web.Request) -> dict[str, Any]:
        asked = (await json_object(request, _bad_request)).get("refund")
        if not isinstance(asked, dict):
            raise Refused(400, {"refund": "Required parameter missing or invalid"})
        self._order(request)
        return asked

    def _order(self, request: web.Request) -> Order:
        return self._shop.order(int(request.match_info["id"]))

    # ------------------------------------------------------------------ webhooks

    async def webhooks(self, request: web.Request) -> web.Response:
        version = request.match_info["version"]
        rows = [it.as_json(version) for it in self._sender.subscriptions.values()]
        for name in ("topic", "address"):
            if name in request.query:
                rows = [row for row in rows if row[name] == request.query[name]]
        return web.json_response({"webhooks": rows})

    async def webhook_count(self, _: web.Request) -> web.Response:
        return web.json_response({"count": len(self._sender.subscriptions)})

    async def subscribe(self, request: web.Request) -> web.Response:
        values = (await json_object(request, _bad_request)).get("webhook")
        if not isinstance(values, dict):
            raise Refused(400, {"webhook": "Required parameter missing or invalid"})
        topic, address = str(values.get("topic", "")), str(values.get("address", ""))
        problems: dict[str, list[str]] = {}
        if topic not in TOPICS:
            problems["topic"] = [f"Invalid topic specified: {topic}. Known are {', '.join(TOPICS)}"]
        if not address.startswith(("http://", "https://")):
            problems["address"] = ["is not a URL"]
        known = self._sender.subscriptions.values()
        if any((it.topic, it.address) == (topic, address) for it in known):
            problems["address"] = ["for this topic has already been taken"]
        if problems:
            raise Refused(422, problems)
        made = self._sender.subscribe(topic, address, tuple(values.get("fields") or ()))
        return web.json_response(
            {"webhook": made.as_json(request.match_info["version"])}, status=201
        )

    async def webhook(self, request: web.Request) -> web.Response:
        found = self._subscription(request)
        return web.json_response({"webhook": found.as_json(request.match_info["version"])})

    async def unsubscribe(self, request: web.Request) -> web.Response:
        del self._sender.subscriptions[self._subscription(request).id]
        return web.json_response({})

    def _subscription(self, request: web.Request) -> Subscription:
        found = self._sender.subscriptions.get(int(request.match_info["id"]))
        if found is None:
            raise Refused(404, "Not Found")
        return found


def not_found() -> Middleware:
    """What the API says of paths it does not have."""

    @web.middleware
    async def middle(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            if request.path.startswith(CONTROL):
                raise
            return web.json_response({"errors": "Not Found"}, status=404)

    return middle


def _fields(order: Order, request: web.Request) -> Mapping[str, object]:
    wanted = request.query.get("fields")
    if not wanted:
        return order
    names = [name.strip() for name in wanted.split(",")]
    return {name: order[name] for name in names if name in order}


def _wanted(asked: Mapping[str, Any]) -> list[tuple[int, int]]:
    try:
        return [
            (int(row["line_item_id"]), int(row["quantity"]))
            for row in asked.get("refund_line_items") or []
        ]
    except (KeyError, TypeError, ValueError):
        problem = "refund_line_items need line_item_id and quantity"
        raise Refused(422, {"base": [problem]}) from None


def _full_shipping(asked: Mapping[str, Any]) -> bool:
    shipping = asked.get("shipping")
    return isinstance(shipping, dict) and bool(shipping.get("full_refund"))


def _bad_request(text: str) -> Refused:
    return Refused(400, f"Bad Request: {text}")
