"""Webhooks of Loop, a returns platform; the answers are those of any webhook (``webhooks``)."""

from __future__ import annotations

from typing import Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import webhooks
from gateway.api.answers import as_json
from gateway.api.calls import AnyRequest, facade_of
from gateway.channels import reading
from gateway.channels.drifting import surprises
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
        terms = webhooks.terms_of(request)
        loop = terms.loop if terms is not None else None
        takes = facade_of(request).services.loop
        if loop is None or takes is None:
            name: str = request.path_params["channel"]
            raise NotFound(f"no returns platform is channel '{name[:40]}'; check the address")
        came = await webhooks.arrived(request, loop.legal_entity)
        secrets = [it.get_secret_value() for it in loop.secrets]
        if not is_signed(came.body, came.header(SIGNATURE), secrets):
            raise Unauthenticated(
                "X-Loop-Signature does not sign this body; check the webhook's secret"
            )
        payload = reading.read(came.body) if came.body.strip() else {}
        name = reading.text(payload, "id", 40)
        came.drifted("return", name, surprises(payload, drift(payload), name))
        platform = Platform(
            came.channel.name, loop.legal_entity, loop.order_channel, loop.goods_came
        )
        taken = await takes.take(platform, payload, came.body.decode("utf-8", "replace"))
        return as_json({"taken": [it._asdict() for it in taken]})
