"""The one way a write is taken and answered, whatever it is about.

``202`` says it is taken, durably; ``201`` that it is booked, to a caller who preferred to wait.
A repeat gets the first answer and is marked ``Idempotency-Replayed: true``.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from gateway.api import headers, views
from gateway.api.answers import Answer, as_json
from gateway.api.calls import Call
from gateway.errors import Unavailable
from gateway.flow.accept import Submission
from gateway.flow.status import TransactionView

_log = structlog.get_logger("gateway.api")


async def submit(call: Call, submission: Submission, named: Mapping[str, str]) -> Answer:
    """Take ``submission`` and answer; ``named`` are the references the answer repeats.

    Raises what :meth:`~gateway.flow.accept.Acceptor.accept` raises.
    """
    wait_s = headers.wait_s(call)
    receipt = await call.services.acceptor.accept(submission)
    view = await _waited(call, receipt.transaction_id, wait_s) if wait_s else None
    booked = view is not None and view.status == "booked"
    extra = [(b"location", views.status_url(receipt.transaction_id).encode())]
    if receipt.replayed:
        extra.append((b"idempotency-replayed", b"true"))
    if wait_s:
        extra.append((b"preference-applied", b"wait=%d" % wait_s))
    document = views.receipt(receipt.transaction_id, named, view)
    return as_json(document, 201 if booked else 202, extra)


async def _waited(call: Call, transaction_id: str, wait_s: float) -> TransactionView | None:
    """Wait for the booking. It is taken already, so not being able to look is no failure."""
    try:
        return await call.services.statuses.wait_until_booked(transaction_id, wait_s)
    except Unavailable as error:
        _log.warning("wait-ended", code=error.code, transaction_id=transaction_id)
        return None
