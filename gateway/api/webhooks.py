"""What is the same for webhooks of every sender: who is meant, and what came.

A sender of webhooks is told one of three things: 2xx, it is taken or says nothing new; 401, it is
not who it says it is; 503, send it again. Nothing it could not act on is said: what cannot be
mapped is taken, and staff see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.api import intake
from gateway.api.auth import Channel
from gateway.api.calls import AnyRequest, Call, Facade, facade_of
from gateway.api.services import ChannelTerms
from gateway.canonical.exchange.drifting import Surprise
from gateway.channels.drifting import whole


@dataclass(frozen=True, slots=True)
class Webhook:
    """A delivery to a channel that is configured for it; nobody has looked who signed it yet."""

    facade: Facade
    channel: Channel
    headers: Mapping[bytes, bytes]
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Return a header, b"" if it did not come."""
        return self.headers.get(name, b"")

    def drifted(self, payload: str, name: str, found: list[Surprise]) -> None:
        """Tell what came in a payload called ``name`` and nobody announced; have it kept whole."""
        if not found:
            return
        observer = self.facade.services.observer
        for it in found:
            observer.drifted(self.channel.name, payload, it)
        text = self.body.decode("utf-8", "replace")
        observer.surprised(self.channel.name, payload, [whole(name, found, text)])


def terms_of(request: AnyRequest) -> ChannelTerms | None:
    """Return how the channel an address names is configured."""
    return facade_of(request).services.settings.channels.get(request.path_params["channel"])


async def arrived(request: AnyRequest, legal_entity: str) -> Webhook:
    """Read a delivery; its body is bounded like any other."""
    facade, name = facade_of(request), request.path_params["channel"]
    headers: dict[bytes, bytes] = dict(request.scope["headers"])
    channel = Channel(name, frozenset(), (legal_entity,))
    body = await intake.body(Call(request, headers, channel, facade))
    return Webhook(facade, channel, headers, body)
