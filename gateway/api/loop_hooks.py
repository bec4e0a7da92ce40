"""Webhooks of Loop, a returns platform; the answers are those of any webhook (``hooks``)."""

from __future__ import annotations

from typing import Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import intake
from gateway.api.answers import as_json
from gateway.api.auth import Channel
from gateway.api.calls import AnyRequest, Call, facade_of
from gateway.channels import reading
from gateway.channels.loop.intake import Platform
from gateway.channels.loop.signature import is_signed
from gateway.channels.loop.wire import drift
from gateway.errors import NotFound, Unauthenticated

SIGNATURE: Final = b"x-loop-signature"


class LoopHooks(Controller):
    """Loop's webhooks, one address for all topics and triggers."""

    path = "/v1/hooks/loop"
    include_in_schema = False

    @post("/{channel:str}", status_code=200)
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take a delivery; one without a payload says nothing, and is taken."""
        facade = facade_of(request)
        name: str = request.path_params["channel"]
        settings = facade.services.settings.channels.get(name)
        loop = settings.loop if settings is not None else None
        takes = facade.services.loop
        if loop is None or takes is None:
            raise NotFound(f"no returns platform is channel '{name[:40]}'; check the address")
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        channel = Channel(name, frozenset(), (loop.legal_entity,))
        body = await intake.body(Call(request, headers, channel, facade))
        secrets = [it.get_secret_value() for it in loop.secrets]
        if not is_signed(body, headers.get(SIGNATURE, b""), secrets):
            raise Unauthenticated(
                "X-Loop-Signature does not sign this body; check the webhook's secret"
            )
        payload = reading.read(body) if body.strip() else {}
        for found in drift(payload):
            facade.services.observer.drifted(name, found)
        platform = Platform(name, loop.legal_entity, loop.order_channel)
        taken = await takes.take(platform, payload, body.decode("utf-8", "replace"))
        return as_json({"taken": [it._asdict() for it in taken]})
