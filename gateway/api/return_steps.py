"""The steps of a return before its credit: it is announced, and its goods come."""

from __future__ import annotations

from typing import Final, NamedTuple

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, examples, headers, intake
from gateway.api.about_order import submission_about
from gateway.api.calls import AnyRequest, admit
from gateway.api.submit import submit
from gateway.canonical.fields import validated
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt


class ReturnAuthorisations(Controller):
    """What is expected back of an order, told to the system that owns it."""

    path = "/v1/return-authorisations"
    tags = ("returns",)

    @post(
        status_code=202,
        summary="Authorise a return, change what is expected of it, or withdraw it",
        description=describe.ACCEPTED,
        operation_class=describe.write(ReturnAuthorisation, examples.AUTHORISATION, missing=True),
    )
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take an authorisation; it says all that is expected of its return from now on."""
        return await _taken(request, _AUTHORISATION)


class ReturnReceipts(Controller):
    """Goods of an order that came back, told to the system that owns it."""

    path = "/v1/return-receipts"
    tags = ("returns",)

    @post(
        status_code=202,
        summary="Say what came back, and what is done with it",
        description=describe.ACCEPTED,
        operation_class=describe.write(ReturnReceipt, examples.RECEIPT, missing=True),
    )
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take a receipt of goods, announced or not, before or after their credit."""
        return await _taken(request, _RECEIPT)


class _Kind(NamedTuple):
    """A step: its document, which field of it is its reference, which says when it happened."""

    process: str
    document: type[ReturnAuthorisation | ReturnReceipt]
    reference: str
    at: str


_AUTHORISATION: Final = _Kind(
    "return.authorisation", ReturnAuthorisation, "authorisation_ref", "authorised_at"
)
_RECEIPT: Final = _Kind("return.receipt", ReturnReceipt, "receipt_ref", "received_at")


async def _taken(request: AnyRequest, kind: _Kind) -> ASGIApp:
    call = admit(request, "returns")
    key = headers.idempotency_key(call)
    received = await intake.read(call)
    document = validated(kind.document, received.document)
    call.checks.stepped(
        call.channel, document.legal_entity, document.order_channel,
        f"/{kind.at}", getattr(document, kind.at),
    )  # fmt: skip
    reference: str = getattr(document, kind.reference)
    named = {kind.reference: reference}
    if document.return_ref:
        named["return_ref"] = document.return_ref
    named["order_ref"] = document.order_ref
    sent = submission_about(call, kind.process, reference, document, received, key)
    return await submit(call, sent, named)
