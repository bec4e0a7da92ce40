"""Orders that a message is to come after: each must be known, so that nothing waits in a circle."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.calls import Call
from gateway.canonical.envelope import order_key
from gateway.canonical.fields import invalid
from gateway.errors import FieldError


async def known(call: Call, after: Sequence[str]) -> None:
    """Raise :class:`~gateway.errors.Invalid` with each order in ``after`` that was never taken."""
    channel = call.channel.name
    found = [
        await call.services.statuses.of_object(order_key(channel, order_ref)) for order_ref in after
    ]
    wrong = [
        FieldError(
            f"/after/{at}",
            f"order '{order_ref}' of channel '{channel}' was never accepted here; send it first, "
            "or leave it out if the ERP has it from before",
        )
        for at, (order_ref, views) in enumerate(zip(after, found, strict=True))
        if not views
    ]
    if wrong:
        raise invalid(wrong)
