"""The steps of a return before its credit: it is announced, and its goods come."""

from __future__ import annotations

from typing import Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, examples, headers, intake
from gateway.api.calls import AnyRequest, Call, admit
from gateway.api.intake import Received
from gateway.api.submit import submit
from gateway.canonical.envelope import order_key
from gateway.canonical.fields import validated
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.flow.accept import Submission
from gateway.routing.facts import Facts

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
        sent = _submission(call, AUTHORISATION, reference, document, received, key)
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
        sent = _submission(call, RECEIPT, reference, document, received, key)
        return await submit(call, sent, named)


def _submission(
    call: Call,
    process: str,
    reference: str,
    document: ReturnAuthorisation | ReturnReceipt,
    received: Received,
    key: str | None,
) -> Submission:
    channel = call.channel.name
    order_channel = document.order_channel or channel
    # Written down with the channel it means, so that nobody downstream has to know the default.
    body = document.model_copy(update={"order_channel": order_channel}).model_dump(mode="json")
    return Submission(
        process=process,
        channel=channel,
        object_key=order_key(order_channel, document.order_ref),
        reference=reference,
        facts=Facts(
            process=process,
            channel=channel,
            legal_entity=document.legal_entity,
            order_ref=document.order_ref,
        ),
        body=body,
        digest=intake.digest(f"{process}|{reference}", received.canonical),
        key=key,
        order_channel=order_channel,
        order_ref=document.order_ref,
    )
