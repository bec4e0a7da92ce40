"""Payment: whether the order may be booked yet."""

from __future__ import annotations

from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Cause, Refused
from gateway.chain.plan import Plan
from gateway.chain.step import Done, Step


def payment(envelope: Envelope, plan: Plan) -> Step:
    """Let the order go on unless its payment has a status the channel's orders wait with."""
    if not plan.payment_waits:
        return Done(envelope)
    status = envelope.body["payment"].get("status", "paid")
    if status in plan.payment_waits:
        return Refused(
            Cause.PAYMENT_PENDING,
            f"its payment is {status}; orders of channel {envelope.channel} are not booked before "
            "it is settled (chain.payment_waits)",
        )
    return Done(envelope, f"payment {status}")
