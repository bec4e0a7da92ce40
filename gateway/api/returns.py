"""Returns: goods that came back and are to be credited, through whichever channel."""

from __future__ import annotations

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, examples, headers, intake, predecessors
from gateway.api.about_order import submission_about
from gateway.api.calls import AnyRequest, admit
from gateway.api.submit import submit
from gateway.canonical.fields import validated
from gateway.canonical.order import Return


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
        reference = document.return_ref
        sent = submission_about(call, "return.credit", reference, document, received, key)
        return await submit(call, sent, named)
