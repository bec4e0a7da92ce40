"""What happens to every request, served or not: a request id, a count, and HEAD wherever GET is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast

from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPScope,
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Message,
    Receive,
    Scope,
    Send,
)

from gateway.api import problems
from gateway.api.calls import AnyRequest, Facade
from gateway.api.headers import request_id
from gateway.api.orders import take_order

#: The route of requests that no route serves, so that a scan of paths makes one series.
UNROUTED = "-"


#: Fixed paths of the accept path, served without Litestar's routing, parameters and response
#: negotiation, which cost as much as validating an order. The same functions stand behind the
#: documented routes; answers are the same, and a test compares them.
DIRECT: Final = {("POST", "/v1/orders"): take_order}


class Gateway(Litestar):
    """The application. Litestar's middleware would see only requests that a route serves."""

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """Serve one request, or the life of the process."""
        if scope["type"] == ScopeType.HTTP:
            await self._serve(
                cast("HTTPScope", scope), cast("Receive", receive), cast("Send", send)
            )
        else:
            await super().__call__(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        facade: Facade = self.state["facade"]
        services = facade.services
        started_s = services.clock.monotonic_s()
        method = scope["method"]
        named = request_id(next((v for k, v in scope["headers"] if k == b"x-request-id"), None))
        scope["state"] = {**scope.get("state", {}), "request_id": named.decode()}
        if method == "HEAD":
            scope["method"] = "GET"
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", named)]
                await send(message)
                status = message["status"]
                return
            if message["type"] == "http.response.body" and method == "HEAD":
                message["body"] = b""
            await send(message)

        direct = DIRECT.get((method, scope["path"]))
        try:
            if direct is None:
                await super().__call__(scope, receive, answer)
            else:
                await self._direct(direct, scope, receive, answer)
        finally:
            route = scope.get("path_template", UNROUTED)
            seconds = services.clock.monotonic_s() - started_s
            services.observer.answered(method, route, status, seconds)

    async def _direct(
        self, take: Callable[[AnyRequest], Awaitable[ASGIApp]], scope: HTTPScope, receive: Receive,
        send: Send,
    ) -> None:  # fmt: skip
        scope["litestar_app"] = self
        scope["path_template"] = scope["path"]
        request: AnyRequest = Request(scope, receive, send)
        try:
            answer = await take(request)
        except Exception as error:  # noqa: BLE001 -- every error becomes a problem document
            answer = problems.answered(request, error).to_asgi_response(None, request)
        await answer(scope, receive, send)
