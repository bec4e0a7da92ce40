"""The express lane: an order that is plainly right, from its bytes to what is to be taken.

Most of what the routed way costs goes into what such a request does not need: routing, a request
object, validation that can explain itself, negotiation of the answer. Here it is decided without
waiting whether a request is of that kind; one that is not, for whatever reason, is left to the
routed way, which judges it and explains. So only one place refuses: this one says *yes* or *not
here*. What it takes is answered alike, which a test compares. See docs/adr/0011-express-lane.md.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from gateway.api import headers, views
from gateway.api.answers import encoded
from gateway.api.auth import Channel
from gateway.api.calls import Facade
from gateway.api.orders import intake_of
from gateway.api.quick import vouched
from gateway.flow.accept import Receipt, Submission

METHOD: Final = "POST"
PATH: Final = "/v1/orders"

_BEARER: Final = "Bearer "
_JSON: Final = ["application/json"]


class Sent(Protocol):
    """Headers of a request by lower-case name; values that are not ASCII are in no list."""

    def __contains__(self, name: str, /) -> bool: ...
    def get_all(self, name: str, /) -> list[str]: ...


class Ticket(NamedTuple):
    """A request whose headers are plain: who sent it, its idempotency key, and the body's bytes."""

    channel: Channel
    key: str | None
    body_bytes: int


class Express:
    """Judges and answers ``POST /v1/orders`` where there is nothing to say but *taken*."""

    def __init__(self, facade: Facade) -> None:
        self._keys = facade.keys
        self._checks = facade.checks
        self._body_bytes_max = facade.services.settings.body_bytes_max

    def admitted(self, sent: Sent) -> Ticket | None:
        """Return who may be served here, by the headers alone."""
        credentials, length = sent.get_all("authorization"), sent.get_all("content-length")
        if (
            len(credentials) != 1
            or not credentials[0].startswith(_BEARER)
            or len(length) != 1
            or not length[0].isdigit()
            or sent.get_all("content-type") != _JSON
            or "prefer" in sent
        ):
            return None
        channel = self._keys.known(credentials[0][len(_BEARER) :].strip().encode())
        body_bytes = int(length[0])
        if channel is None or "orders" not in channel.scopes or body_bytes > self._body_bytes_max:
            return None
        if "idempotency-key" not in sent:
            return Ticket(channel, None, body_bytes)
        keys = sent.get_all("idempotency-key")
        if len(keys) != 1 or not headers.is_idempotency_key(keys[0].encode()):
            return None
        return Ticket(channel, keys[0], body_bytes)

    def read(self, ticket: Ticket, body: bytes) -> Submission | None:
        """Return what is to be taken, if the body is whole and plainly an order of the channel."""
        if len(body) != ticket.body_bytes:  # the caller hung up
            return None
        found = vouched(body)
        if found is None or not self._checks.passes(
            ticket.channel, found.order.legal_entity, found.order.currency, found.ordered_at
        ):
            return None
        return intake_of(ticket.channel.name, found.order, found.canonical, ticket.key)


def answer(submission: Submission, receipt: Receipt) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body of the ``202``."""
    named = {"order_ref": submission.reference}
    extra = [
        ("content-type", "application/json"),
        ("location", views.status_url(receipt.transaction_id)),
    ]
    if receipt.replayed:
        extra.append(("idempotency-replayed", "true"))
    return extra, encoded(views.receipt(receipt.transaction_id, named, None))
