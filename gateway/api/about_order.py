"""A message about an order that was taken before: a return, or a step of one."""

from __future__ import annotations

from gateway.api import intake
from gateway.api.calls import Call
from gateway.canonical.envelope import order_key
from gateway.canonical.order import Return
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.flow.accept import Submission
from gateway.routing.facts import Facts


def submission_about(
    call: Call,
    process: str,
    reference: str,
    document: Return | ReturnAuthorisation | ReturnReceipt,
    received: intake.Received,
    key: str | None,
) -> Submission:
    """Return what is to be taken; ``order_channel`` is the caller's own unless it names one."""
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
