"""Returns: goods that came back and are to be credited, through whichever channel."""

from __future__ import annotations

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, examples, headers, intake, predecessors
from gateway.api.calls import AnyRequest, Call, admit
from gateway.api.submit import submit
from gateway.canonical.envelope import order_key
from gateway.canonical.fields import validated
from gateway.canonical.order import Return
from gateway.flow.accept import Submission
from gateway.routing.facts import Facts


class Returns(Controller):
    """Credits for goods of an order, booked where the order is."""

    path = "/v1/returns"
    tags = ("returns",)

    @post(
        status_code=202,
        summary="Submit a return",
        description=describe.ACCEPTED,
        operation_class=describe.write(Return, examples.RETURN, missing=True),
    )
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take a return; it goes to the system that owns the order."""
        call = admit(request, "returns")
        key = headers.idempotency_key(call)
        received = await intake.read(call)
        document = validated(Return, received.document)
        call.checks.returned(call.channel, document)
        await predecessors.known(call, document.after)
        named = {"return_ref": document.return_ref, "order_ref": document.order_ref}
        return await submit(call, _submission(call, document, received, key), named)


def _submission(
    call: Call, document: Return, received: intake.Received, key: str | None
) -> Submission:
    channel = call.channel.name
    order_channel = document.order_channel or channel
    # Written down with the channel it means, so that nobody downstream has to know the default.
    body = document.model_copy(update={"order_channel": order_channel}).model_dump(mode="json")
    return Submission(
        process="return.credit",
        channel=channel,
        object_key=order_key(order_channel, document.order_ref),
        reference=document.return_ref,
        facts=Facts(
            process="return.credit",
            channel=channel,
            legal_entity=document.legal_entity,
            order_ref=document.order_ref,
        ),
        body=body,
        digest=intake.digest(f"return.credit|{document.return_ref}", received.canonical),
        key=key,
        order_channel=order_channel,
        order_ref=document.order_ref,
    )
