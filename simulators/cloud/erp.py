"""The cloud ERP's web front: OAuth2 tokens, published limits, OData documents and items."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from simulators.catalogue import COMPANIES
from simulators.clock import Clock, SystemClock
from simulators.cloud import exact
from simulators.cloud.bodies import read_body
from simulators.cloud.errors import ODataError, bad_request, dialog
from simulators.cloud.filters import Edm, Value, parse_filter
from simulators.cloud.limits import Places, QueueFull, SlidingWindow
from simulators.cloud.records import PAGE, SERIES, Record, Records, guid, item_view
from simulators.cloud.resources import ITEM, RESOURCES, Resource
from simulators.cloud.tokens import Tokens
from simulators.control import add_control
from simulators.options import CloudOptions
from simulators.refusals import Refusal
from simulators.shell import Handler, Shell
from simulators.trade import Series

API: Final = "/api/v2.0/companies({company})"
QUERY_OPTIONS: Final = ("$filter", "$top")
QUEUE_RETRY_AFTER_S: Final = 5

Answer = Callable[[web.Request, str], Awaitable[web.StreamResponse]]


def cloud_erp(options: CloudOptions, clock: Clock | None = None) -> Shell[CloudOptions]:
    """The simulated cloud ERP, ready to be served."""
    shell = Shell("cloud", options, clock or SystemClock(), Series(SERIES))
    records = Records(shell)
    for document in shell.trade.seed_old_orders(options.old_orders, "C", shell.chance("old")):
        records.adopt(document)
    front, pages = _Front(shell), _Pages(shell, records)
    shell.app.add_routes(
        [
            web.post("/{tenant}/oauth2/v2.0/token", front.issue_token),
            web.get(f"{API}/items", front.limited(pages.items)),
            web.get(f"{API}/{{resource}}", front.limited(pages.look_up)),
            web.post(f"{API}/{{resource}}", front.limited(pages.create)),
        ]
    )
    add_control(shell)
    return shell


# ---------------------------------------------------------------------- who may come in


class _Front:
    """Tokens, window, places and queue: one API user, so one of each."""

    def __init__(self, shell: Shell[CloudOptions]) -> None:
        options = shell.options
        self._shell = shell
        self._tokens = Tokens(options.client_id, options.client_secret, shell.chance("tokens"))
        self._window = SlidingWindow(options.limit, options.window_s)
        self._places = Places(options.concurrency, options.queue)
        self._correlation = shell.chance("correlation")

    async def issue_token(self, request: web.Request) -> web.StreamResponse:
        """The client-credentials grant; token requests are outside the API's limits."""
        form = await request.post()
        grant = form.get("grant_type", "")
        if grant != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", f"grant_type is {grant!r}")
        if not self._tokens.knows(
            str(form.get("client_id", "")), str(form.get("client_secret", ""))
        ):
            self._shell.counters.add("unauthorized_401")
            return _oauth_error(401, "invalid_client", "client_id or client_secret is wrong")
        lifetime_s = self._shell.options.token_lifetime_s
        token = self._tokens.issue(self._shell.clock.monotonic_s(), lifetime_s)
        return web.json_response(
            {"token_type": "Bearer", "expires_in": int(lifetime_s), "access_token": token}
        )

    def limited(self, answer: Answer) -> Handler:
        """Let the page answer within the limits, and word what it refuses as OData does."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._authorise(request)
                self._throttle()
                await self._enter()
                try:
                    await self._shell.work()
                    return await answer(request, _company(request))
                finally:
                    self._places.leave()
            except ODataError as error:
                return self._refused(error)
            except Refusal as refusal:
                return self._refused(dialog(refusal))

        return guarded

    def _authorise(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self._shell.faults.fires("token_expiry") is not None:
            self._shell.counters.add("token_expiries")
            self._tokens.revoke(token)
        if scheme.lower() == "bearer" and self._tokens.good(token, self._shell.clock.monotonic_s()):
            return
        self._shell.counters.add("unauthorized_401")
        raise ODataError(
            401,
            "Authentication_InvalidCredentials",
            "The server has rejected the client credentials.",
        )

    def _throttle(self) -> None:
        """Refuse if the fault says so, if not even the queue has room, or if the window is full."""
        fault = self._shell.faults.fires("throttle")
        if fault is not None:
            self._shell.counters.add("throttle_faults")
            raise self._too_many(fault.delay_s or None)
        if self._places.full:
            raise self._too_many(QUEUE_RETRY_AFTER_S if self._shell.options.retry_after else None)
        wait_s = self._window.admit(self._shell.clock.monotonic_s())
        if wait_s is not None:
            raise self._too_many(wait_s if self._shell.options.retry_after else None)
        self._shell.counters.raise_to("window_peak", len(self._window))

    async def _enter(self) -> None:
        if not self._places.free:
            self._shell.counters.add("queued")
        try:
            await self._places.enter(self._shell.options.queue_wait_s)
        except QueueFull:
            raise self._too_many(None) from None
        except TimeoutError:
            self._shell.counters.add("throttled_503")
            message = "The request waited too long for a free connection."
            raise ODataError(
                503, "Application_ServiceUnavailable", message, QUEUE_RETRY_AFTER_S
            ) from None
        self._shell.counters.raise_to("max_concurrent", self._places.busy)

    def _too_many(self, wait_s: float | None) -> ODataError:
        self._shell.counters.add("throttled_429")
        message = "Too many requests: the limits of this user are used up. Try again later."
        seconds = None if wait_s is None else max(1, math.ceil(wait_s))
        return ODataError(429, "Application_TooManyRequests", message, seconds)

    def _refused(self, error: ODataError) -> web.Response:
        headers = {}
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(error.retry_after_s)
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return _json(error.body(guid(self._correlation)), error.status, headers)


# ---------------------------------------------------------------------- what they find


class _Pages:
    """The resources of a company."""

    def __init__(self, shell: Shell[CloudOptions], records: Records) -> None:
        self._shell = shell
        self._records = records

    async def create(self, request: web.Request, company: str) -> web.StreamResponse:
        """POST: deep insert; 201 means booked."""
        resource = _resource(request)
        data = await request.read()
        asked = read_body(data, resource, company, self._shell.trade.items)
        self._shell.trade.check(asked.draft)
        context = _context(request, company, resource.path) + "/$entity"

        def created(record: Record) -> web.Response:
            return _json({"@odata.context": context, **record.view}, 201)

        return await self._shell.deliver(
            request, lambda: self._records.book(resource, asked), created
        )

    async def look_up(self, request: web.Request, company: str) -> web.StreamResponse:
        """GET with `$filter`: the documents that match, at most a page."""
        resource = _resource(request)
        wanted, top = _query(request, resource.properties, resource.entity)
        found = [record.view for record in self._records.find(resource, company, wanted)]
        return _listed(request, company, resource.path, found[:top])

    async def items(self, request: web.Request, company: str) -> web.StreamResponse:
        """GET items: stock, price and product in one."""
        wanted, top = _query(request, ITEM, "Microsoft.NAV.item")
        trade = self._shell.trade
        number = wanted.get("number")
        skus = [number] if isinstance(number, str) else list(trade.items)
        found = [
            view
            for view in (
                item_view(trade.items[sku], trade.stock(company, sku))
                for sku in skus
                if sku in trade.items
            )
            if all(view[name] == value for name, value in wanted.items())
        ]
        return _listed(request, company, "items", found[:top])


def _company(request: web.Request) -> str:
    company = request.match_info["company"]
    if company not in COMPANIES:
        raise ODataError(
            404, "Internal_CompanyNotFound", f"The company '{company}' does not exist."
        )
    return company


def _resource(request: web.Request) -> Resource:
    path = request.match_info["resource"]
    if path not in RESOURCES:
        message = f"Resource not found for the segment '{path}'."
        raise ODataError(404, "BadRequest_NotFound", message)
    return RESOURCES[path]


def _query(
    request: web.Request, properties: dict[str, Edm], entity: str
) -> tuple[dict[str, Value], int]:
    """The values asked for and how many entries at most."""
    for name in request.query:
        if name.startswith("$") and name not in QUERY_OPTIONS:
            raise bad_request(f"The query option '{name}' is not supported: {QUERY_OPTIONS}")
    top = request.query.get("$top", str(PAGE))
    if not top.isascii() or not top.isdigit() or len(top) > 9:
        raise bad_request(f"The value '{top}' of $top is not a whole number from 0")
    text = request.query.get("$filter")
    wanted = {} if text is None else parse_filter(text, properties, entity)
    return wanted, min(int(top), PAGE)


def _listed(
    request: web.Request, company: str, path: str, found: list[dict[str, object]]
) -> web.Response:
    return _json({"@odata.context": _context(request, company, path), "value": found})


def _context(request: web.Request, company: str, path: str) -> str:
    return f"http://{request.host}/api/v2.0/$metadata#companies({company})/{path}"


def _json(
    body: dict[str, object], status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        text=exact.dumps(body),
        content_type="application/json",
        headers={"OData-Version": "4.0", **(headers or {})},
    )


def _oauth_error(status: int, code: str, description: str) -> web.Response:
    return web.json_response({"error": code, "error_description": description}, status=status)
