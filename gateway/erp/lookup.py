"""What look-ups share in all dialects: several documents under one reference, and no answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from gateway.canonical.outcome import Absent, Booked, Busy, Outcome, Probed, Stored, Unknown
from gateway.canonical.process import Target
from gateway.errors import ErpUnavailable

LOG: Final = logging.getLogger("coexist.erp")

#: What to believe first when a reference has several documents: a booking is a fact, a stored
#: document may become one, and only if all are refused is nothing booked.
_BELIEVED_FIRST: Final = (Booked, Stored, Unknown)


def alive(documents: Sequence[Outcome]) -> list[str]:
    """Return the numbers of those documents that are booked or will be."""
    return [each.document for each in documents if isinstance(each, Booked | Stored)]


def found(documents: Sequence[Outcome], erp: Target, reference: str) -> Probed:
    """Say what a probe found, given how each document under the reference fares.

    More than one that is booked or will be is a double booking. It cannot be undone here: the
    first is returned, all are logged at WARNING, and reconciliation finds them in the books.
    """
    numbers = alive(documents)
    if len(numbers) > 1:
        LOG.warning(
            "double booking: %s has %d documents under %s: %s",
            erp, len(numbers), reference, ", ".join(numbers),
            extra={"event": "double-booking", "erp": str(erp), "reference": reference,
                   "documents": numbers},
        )  # fmt: skip
    for kind in _BELIEVED_FIRST:
        for each in documents:
            if isinstance(each, kind):
                return each
    return documents[0] if documents else Absent()


def unavailable(what: str, problem: Busy | Unknown, erp: Target) -> ErpUnavailable:
    """Make the error of an enquiry nobody answered. The reason is logged; channels see no ERP."""
    wait_ms = (problem.retry_after_ms if isinstance(problem, Busy) else None) or 1_000
    retry_after_s = -(-wait_ms // 1000)
    LOG.info(
        "no answer: %s of %s: %s", what, erp, problem.detail,
        extra={"event": "enquiry-unanswered", "erp": str(erp), "enquiry": what},
    )  # fmt: skip
    return ErpUnavailable(
        f"{what} cannot be answered now; ask again in {retry_after_s} s", retry_after_s
    )
