"""What happens to every request, served or not: a request id, a count, and HEAD wherever GET is."""

from __future__ import annotations

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

#: The route of requests that no route serves, so that a scan of paths makes one series.
UNROUTED = "-"

#: What staff call is an application of its own: other keys, other routes, another description.
ADMIN: Final = "/admin/"


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
            path = cast("HTTPScope", scope)["path"]
            admin = self.state.get("admin") if path.startswith(ADMIN) else None
            await self._serve(
                cast("HTTPScope", scope),
                cast("Receive", receive),
                cast("Send", send),
                super().__call__ if admin is None else admin,
            )
        else:
            await super().__call__(scope, receive, send)

    @property
    def facade(self) -> Facade:
        """What all calls share."""
        facade: Facade = self.state["facade"]
        return facade

    async def refuse(
        self, scope: HTTPScope, receive: Receive, send: Send, error: Exception
    ) -> None:
        """Answer a request of the express lane that failed, as if it had failed when routed."""

        async def failed(scope: Scope, receive: Receive, send: Send) -> None:
            scope["path_template"] = scope["path"]
            request: AnyRequest = Request(scope)
            answer = problems.answered(request, error).to_asgi_response(None, request)
            await answer(scope, receive, send)

        await self._serve(scope, receive, send, failed)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send, inner: ASGIApp) -> None:
        services = self.facade.services
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

        try:
            await inner(scope, receive, answer)
        finally:
            route = scope.get("path_template", UNROUTED)
            seconds = services.clock.monotonic_s() - started_s
            services.observer.answered(method, route, status, seconds)
