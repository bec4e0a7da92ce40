"""The cloud ERP's web front: OAuth2 tokens, published limits, OData documents and items."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from simulators.clock import Clock, SystemClock
from simulators.cloud.batch import Operation, Replies, read_batch
from simulators.cloud.errors import ODataError, dialog
from simulators.cloud.limits import Places, QueueFull, Served, SlidingWindow
from simulators.cloud.pages import Call, Pages, json_answer
from simulators.cloud.records import SERIES, Records, guid
from simulators.cloud.tokens import Tokens
from simulators.control import add_control
from simulators.customers import Customers
from simulators.options import CloudOptions
from simulators.refusals import Refusal
from simulators.shell import Handler, Shell
from simulators.trade import Series

API: Final = "/api/v2.0"
QUEUE_RETRY_AFTER_S: Final = 5

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def cloud_erp(options: CloudOptions, clock: Clock | None = None) -> Shell[CloudOptions]:
    """The simulated cloud ERP, ready to be served."""
    customers = Customers("C{:05d}".format, 20_001)
    shell = Shell("cloud", options, clock or SystemClock(), Series(SERIES), customers)
    records = Records(shell)
    for document in shell.trade.seed_old_orders(options.old_orders, "C", shell.chance("old")):
        records.adopt(document)
    shell.writes = lambda request: request.method == "POST" and "/oauth2/" not in request.path
    shell.closed = _closed
    front = _Front(shell, Pages(shell, records))
    shell.app.add_routes(
        [
            web.post("/{tenant}/oauth2/v2.0/token", front.issue_token),
            web.post(f"{API}/$batch", front.limited(front.batch)),
            web.route("*", f"{API}/{{tail:companies.*}}", front.limited(front.one)),
            web.get("/control/served", front.show_served),
        ]
    )
    add_control(shell)
    return shell


# ---------------------------------------------------------------------- who may come in


class _Front:
    """Tokens, window, places and queue: one API user, so one of each."""

    def __init__(self, shell: Shell[CloudOptions], pages: Pages) -> None:
        options = shell.options
        self._shell = shell
        self._pages = pages
        self._tokens = Tokens(options.client_id, options.client_secret, shell.chance("tokens"))
        self._window = SlidingWindow(options.limit, options.window_s)
        self._places = Places(options.concurrency, options.queue)
        self._served = Served()
        self._correlation = shell.chance("correlation")

    async def show_served(self, _: web.Request) -> web.StreamResponse:
        """When requests arrived, began and ended: what a use of the limits is measured by."""
        return web.json_response({"requests": self._served.as_json()})

    async def issue_token(self, request: web.Request) -> web.StreamResponse:
        """The client-credentials grant; token requests are outside the API's limits."""
        self._shell.counters.add("token_requests")
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
                row = self._served.arrived(self._shell.clock.monotonic_s())
                await self._enter()
                row.append(self._shell.clock.monotonic_s())
                try:
                    return await answer(request)
                finally:
                    self._places.leave()
                    row.append(self._shell.clock.monotonic_s())
            except ODataError as error:
                return self._refused(error)
            except Refusal as refusal:
                return self._refused(dialog(refusal))

        return guarded

    async def one(self, request: web.Request) -> web.StreamResponse:
        """A single request."""
        await self._shell.work()
        target = request.rel_url
        call = Call(
            request, request.method, target.path.removeprefix(API), dict(target.query),
            await request.read(),
        )  # fmt: skip
        return await self._pages.answer(call)

    async def batch(self, request: web.Request) -> web.StreamResponse:
        """Operations one after the other, each as if it came alone; 200 whatever became of them.

        Without ``Prefer: odata.continue-on-error`` the first that fails is the last one tried.
        """
        operations = read_batch(await request.read())
        self._shell.counters.add("batches")
        self._shell.counters.raise_to("batch_operations_max", len(operations))
        goes_on = "odata.continue-on-error" in request.headers.get("Prefer", "")
        replies = Replies()
        for operation in operations:
            answer = await self._inner(request, operation)
            replies.add(operation, answer)
            if answer.status >= 400 and not goes_on:
                break
        return json_answer(replies.body())

    async def _inner(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        try:
            if self._shell.options.batch_counts_inner:
                self._count()
            await self._shell.work()
            call = Call(
                request, operation.method, operation.path, operation.query, operation.content
            )
            return await self._pages.answer(call)
        except ODataError as error:
            return self._refused(error)
        except Refusal as refusal:
            return self._refused(dialog(refusal))

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
        self._count()

    def _count(self) -> None:
        """Count a request in the window, or refuse it."""
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
        return json_answer(error.body(guid(self._correlation)), error.status, headers)


def _closed() -> web.Response:
    message = "The service is under maintenance. Please try again later."
    return json_answer({"error": {"code": "ServiceUnavailable", "message": message}}, 503)


def _oauth_error(status: int, code: str, description: str) -> web.Response:
    return web.json_response({"error": code, "error_description": description}, status=status)
