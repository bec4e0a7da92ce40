"""The Selling Partner API: orders in both versions, reports, notifications, and the login.

Errors have the published bodies: ``{"errors": [{"code", "message", "details"}]}``. Answers carry
``x-amzn-RequestId``; those of status 200, 400 and 404 the rate as well.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from simulators.amazon import classic, modern
from simulators.amazon.errors import Refused
from simulators.amazon.limits import UsagePlan
from simulators.amazon.market import Market
from simulators.amazon.options import MarketOptions
from simulators.amazon.pages import (
    InvalidInput,
    Page,
    Wanted,
    continued,
    limit,
    page_of,
    values,
    window,
)
from simulators.amazon.settlements import REPORT_TYPE, Report, Settlements
from simulators.amazon.stamps import stamp, whole
from simulators.amazon.subscriptions import EITHER, GRANTLESS, Subscriptions
from simulators.amazon.tokens import NOTIFICATIONS, Denied, Login
from simulators.channel import Channel

Handler = Callable[[web.Request], Awaitable[web.Response]]
Json = dict[str, Any]

#: Reports on a page at most.
REPORTS_MAX = 100
#: Statuses whose answers say the rate.
_SAYS_RATE = (200, 400, 404)


class SellingPartnerApi:
    """The handlers, guarded by token and usage plan."""

    def __init__(
        self,
        channel: Channel[MarketOptions],
        market: Market,
        settlements: Settlements,
        subscriptions: Subscriptions,
    ) -> None:
        self._channel = channel
        self._market = market
        self._settlements = settlements
        self._subscriptions = subscriptions
        self._login = Login(channel.clock, channel.chance("tokens"))
        self._plan = UsagePlan(channel.clock.monotonic_s())
        self._ids = channel.chance("request ids")

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        modern_at, classic_at = "/orders/2026-01-01/orders", "/orders/v0/orders"
        reports = "/reports/2021-06-30"
        table: tuple[tuple[str, str, str, Handler], ...] = (
            ("searchOrders", "GET", modern_at, self.search),
            ("getOrder2026", "GET", modern_at + "/{id}", self.order),
            ("getOrders", "GET", classic_at, self.orders_v0),
            ("getOrder", "GET", classic_at + "/{id}", self.order_v0),
            ("getOrderItems", "GET", classic_at + "/{id}/orderItems", self.items_v0),
            ("createReport", "POST", reports + "/reports", self.create_report),
            ("getReports", "GET", reports + "/reports", self.reports),
            ("getReport", "GET", reports + "/reports/{id}", self.report),
            ("getReportDocument", "GET", reports + "/documents/{id}", self.document),
            *self._subscriptions.table(),
        )
        routes = [web.route(how, at, self._guarded(name, to)) for name, how, at, to in table]
        return [
            *routes,
            web.post("/auth/o2/token", self.token),
            web.get("/documents/{id}", self.download),
        ]

    # ------------------------------------------------------------------ who, and how often

    async def token(self, request: web.Request) -> web.Response:
        await self._channel.work()
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            granted = self._login.grant(self._channel.options, form)
        except Denied as denied:
            self._channel.counters.add("unauthorized_401")
            return web.json_response(denied.body(), status=denied.status)
        self._channel.counters.add("tokens")
        return web.json_response(granted)

    def _guarded(self, operation: str, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            try:
                self._admit(request, operation)
                await self._channel.work()
                answer = await handler(request)
            except Refused as refused:
                answer = _errors(refused.status, refused.code, str(refused))
            except InvalidInput as error:
                answer = _errors(400, "InvalidInput", str(error))
            except KeyError:
                text = f"Resource {request.match_info.get('id', '')} is not found."
                answer = _errors(404, "NotFound", text)
            answer.headers["x-amzn-RequestId"] = f"{self._ids.getrandbits(64):016x}"
            if answer.status in _SAYS_RATE:
                rate = self._plan.header(operation, self._channel.options.rate_scale)
                answer.headers["x-amzn-RateLimit-Limit"] = rate
            return answer

        return guarded

    def _admit(self, request: web.Request, operation: str) -> None:
        channel = self._channel
        token = request.headers.get("x-amz-access-token", "")
        if channel.faults.fires("token_expiry"):
            channel.counters.add("token_expiries")
            self._login.spoil(token)
        scopes = {NOTIFICATIONS} if operation in GRANTLESS else {""}
        if operation in EITHER:
            scopes = {NOTIFICATIONS, ""}
        if self._login.scope_of(token) not in scopes:
            channel.counters.add("forbidden_403")
            text = "Access to requested resource is denied."
            raise Refused(403, "Unauthorized", text)
        throttled = channel.faults.fires("throttle")
        if throttled:
            channel.counters.add("throttle_faults")
        scale, now_s = channel.options.rate_scale, channel.clock.monotonic_s()
        if throttled or not self._plan.take(operation, scale, now_s):
            channel.counters.add("throttled_429")
            text = "You exceeded your quota for the requested resource."
            raise Refused(429, "QuotaExceeded", text)

    # ------------------------------------------------------------------ orders 2026-01-01

    async def search(self, request: web.Request) -> web.Response:
        """Orders created or updated in a period, a page at a time."""
        query = request.query
        if "paginationToken" in query:
            wanted = continued(query["paginationToken"])
        else:
            names = ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore")
            period = window(query, names, self._market.now(), self._channel.options.search_lag_s)
            wanted = Wanted(
                period.by_update, period.after, period.before,
                tuple(self._list(request, "fulfillmentStatuses")),
                tuple(self._list(request, "fulfilledBy")),
                more=",".join(self._data(request)),
            )  # fmt: skip
        page = self._page(request, wanted, "maxResultsPerPage")
        data = wanted.more.split(",")
        end = "lastUpdatedBefore" if wanted.by_update else "createdBefore"
        body: Json = {
            "orders": [
                self._surprising(modern.resource(it, self._channel.options, data))
                for it in page.orders
            ],
            end: wanted.before,
        }
        if page.token:
            body["pagination"] = {"nextToken": page.token}
        return web.json_response(body)

    async def order(self, request: web.Request) -> web.Response:
        """One order."""
        found = self._market.order(request.match_info["id"])
        body = modern.resource(found, self._channel.options, self._data(request))
        return web.json_response({"order": self._surprising(body)})

    def _data(self, request: web.Request) -> list[str]:
        asked = self._list(request, "includedData")
        unknown = [it for it in asked if it not in modern.DATA]
        if unknown:
            raise InvalidInput(f"includedData has {', '.join(unknown)}")
        return asked

    def _surprising(self, order: Json) -> Json:
        surprise = self._channel.faults.fires("schema_surprise")
        if surprise is None:
            return order
        self._channel.counters.add("surprises")
        if surprise.mode == "unknown_field":
            return order | {"loyaltyTierV2": {"tier": "gold"}}
        if surprise.mode == "null":
            return order | {"programs": None, "buyer": None}
        fulfillment = {**order.get("fulfillment", {}), "fulfillmentServiceLevel": "TELEPORTED"}
        return order | {"programs": ["MOON_DELIVERY"], "fulfillment": fulfillment}

    # ------------------------------------------------------------------ orders v0

    async def orders_v0(self, request: web.Request) -> web.Response:
        query = request.query
        if not self._list(request, "MarketplaceIds"):
            raise InvalidInput("MarketplaceIds is missing")
        if "NextToken" in query:
            wanted = continued(query["NextToken"])
        else:
            names = ("CreatedAfter", "CreatedBefore", "LastUpdatedAfter", "LastUpdatedBefore")
            period = window(query, names, self._market.now(), self._channel.options.search_lag_s)
            spelled = {old: new for new, old in classic.STATUSES.items()}
            wanted = Wanted(
                period.by_update, period.after, period.before,
                tuple(spelled.get(it, it) for it in self._list(request, "OrderStatuses")),
                tuple(
                    {"AFN": "AMAZON", "MFN": "MERCHANT"}.get(it, it)
                    for it in self._list(request, "FulfillmentChannels")
                ),
            )  # fmt: skip
        page = self._page(request, wanted, "MaxResultsPerPage")
        end = "LastUpdatedBefore" if wanted.by_update else "CreatedBefore"
        payload: Json = {
            "Orders": [classic.resource(it, self._channel.options) for it in page.orders],
            end: wanted.before,
        }
        if page.token:
            payload["NextToken"] = page.token
        return web.json_response({"payload": payload})

    async def order_v0(self, request: web.Request) -> web.Response:
        found = self._market.order(request.match_info["id"])
        return web.json_response({"payload": classic.resource(found, self._channel.options)})

    async def items_v0(self, request: web.Request) -> web.Response:
        found = self._market.order(request.match_info["id"])
        items = [classic.item(it, found, self._channel.options) for it in found.items]
        return web.json_response({"payload": {"AmazonOrderId": found.id, "OrderItems": items}})

    def _page(self, request: web.Request, wanted: Wanted, name: str) -> Page:
        self._channel.counters.add("searches")
        return page_of(self._market.orders.values(), wanted, limit(request.query, name))

    @staticmethod
    def _list(request: web.Request, name: str) -> list[str]:
        return values(request.query, request.query.getall, name)

    # ------------------------------------------------------------------ reports

    async def create_report(self, request: web.Request) -> web.Response:
        """Settlement reports cannot be asked for, and there are no others here."""
        try:
            asked = json.loads(await request.text()).get("reportType")
        except (ValueError, AttributeError):
            raise InvalidInput("the body is no JSON object") from None
        raise InvalidInput(f"Report type {asked} cannot be requested")

    async def reports(self, request: web.Request) -> web.Response:
        """Reports by type and time, the newest first, a page at a time."""
        query: Mapping[str, str] = request.query
        first = 0
        if "nextToken" in query:
            first, query = _continued(query["nextToken"])
        wanted = query.get("reportTypes", "").split(",")
        if wanted == [""]:
            raise InvalidInput("reportTypes or nextToken must be given")
        size = int(query.get("pageSize", "10"))
        if not 1 <= size <= REPORTS_MAX:
            raise InvalidInput(f"pageSize must be from 1 to {REPORTS_MAX}")
        since = query.get("createdSince", "")
        found = [
            self._row(it)
            for it in reversed(self._settlements.reports)
            if REPORT_TYPE in wanted
            and (not since or it.made >= datetime.fromisoformat(since))
            and "DONE" in query.get("processingStatuses", "DONE")
        ]
        body: Json = {"reports": found[first : first + size]}
        if first + size < len(found):
            body["nextToken"] = _token(first + size, query)
        return web.json_response(body)

    async def report(self, request: web.Request) -> web.Response:
        for it in self._settlements.reports:
            if it.id == request.match_info["id"]:
                return web.json_response(self._row(it))
        raise KeyError

    async def document(self, request: web.Request) -> web.Response:
        report = self._document(request)
        # Where it listens, not what the Host header says: clients may come by another name.
        host, port = request.get_extra_info("sockname")[:2]
        return web.json_response(
            {
                "reportDocumentId": report.document_id,
                "url": f"http://{host}:{port}/documents/{report.document_id}",
                "compressionAlgorithm": "GZIP",
            }
        )

    async def download(self, request: web.Request) -> web.Response:
        """The file itself, behind an address of its own that asks for no token."""
        data = self._document(request).text.encode()
        packed = gzip.compress(data)
        fault = self._channel.faults.fires("truncated_file")
        if fault is not None:
            self._channel.counters.add("truncated_files")
            packed = gzip.compress(data[: len(data) // 2])
            if fault.mode == "packed":
                packed = gzip.compress(data)[: len(packed) // 2]
        return web.Response(body=packed, content_type="text/plain", charset="utf-8")

    def _document(self, request: web.Request) -> Report:
        for it in self._settlements.reports:
            if it.document_id == request.match_info["id"]:
                return it
        raise KeyError

    def _row(self, report: Report) -> Json:
        return {
            "reportId": report.id,
            "reportType": REPORT_TYPE,
            "marketplaceIds": [self._channel.options.marketplace],
            "dataStartTime": whole(report.begins),
            "dataEndTime": whole(report.made),
            "createdTime": stamp(report.made),
            "processingStartTime": stamp(report.made),
            "processingEndTime": stamp(report.made),
            "processingStatus": "DONE",
            "reportDocumentId": report.document_id,
        }


def _token(first: int, query: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([first, dict(query)]).encode()).decode()


def _continued(token: str) -> tuple[int, Mapping[str, str]]:
    try:
        first, query = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise InvalidInput("nextToken is not one that was given") from None
    return first, query


def _errors(status: int, code: str, message: str) -> web.Response:
    error = {"code": code, "message": message, "details": ""}
    return web.json_response({"errors": [error]}, status=status)
