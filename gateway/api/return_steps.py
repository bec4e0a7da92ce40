"""The steps of a return before its credit: it is announced, and its goods come."""

from __future__ import annotations

from typing import Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, examples, headers, intake
from gateway.api.about_order import submission_about
from gateway.api.calls import AnyRequest, admit
from gateway.api.submit import submit
from gateway.canonical.fields import validated
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt

AUTHORISATION: Final = "return.authorisation"
RECEIPT: Final = "return.receipt"


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
        call = admit(request, "returns")
        key = headers.idempotency_key(call)
        received = await intake.read(call)
        document = validated(ReturnAuthorisation, received.document)
        call.checks.stepped(
            call.channel, document.legal_entity, document.order_channel,
            "/authorised_at", document.authorised_at,
        )  # fmt: skip
        reference = document.authorisation_ref
        named = {"authorisation_ref": reference, "return_ref": document.return_ref}
        named["order_ref"] = document.order_ref
        sent = submission_about(call, AUTHORISATION, reference, document, received, key)
        return await submit(call, sent, named)


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
        call = admit(request, "returns")
        key = headers.idempotency_key(call)
        received = await intake.read(call)
        document = validated(ReturnReceipt, received.document)
        call.checks.stepped(
            call.channel, document.legal_entity, document.order_channel,
            "/received_at", document.received_at,
        )  # fmt: skip
        reference = document.receipt_ref
        named = {"receipt_ref": reference}
        if document.return_ref:
            named["return_ref"] = document.return_ref
        named["order_ref"] = document.order_ref
        sent = submission_about(call, RECEIPT, reference, document, received, key)
        return await submit(call, sent, named)
