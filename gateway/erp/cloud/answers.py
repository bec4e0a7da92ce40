"""What the cloud ERP's answers mean: one table for HTTP statuses, one for error texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.canonical.outcome import Booked, Busy, Cause, Outcome, Refused, Unknown
from gateway.erp.cloud.exact import Json, loads
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Reply
from gateway.erp.retry_after import retry_after_ms

# --------------------------------------------------------------------------- bodies


@dataclass(frozen=True, slots=True)
class Problem:
    """An OData error body: its code, and its message without the correlation id."""

    code: str
    message: str


def problem_of(reply: Reply) -> Problem | None:
    """Read the error body; None if this ERP did not write it (a proxy's page, nothing at all)."""
    try:
        body = loads(reply.body)
    except BadAnswer:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return None
    message = error.get("message")
    text = message if isinstance(message, str) else ""
    return Problem(str(error["code"]), text.partition("CorrelationId")[0].strip())


def text_of(document: dict[str, Json], name: str) -> str:
    """Return a text field, empty if absent or null. Raises :class:`BadAnswer` for another kind."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadAnswer(f"{name} is {value!r}, expected text")
    return value.strip()


def booked(document: Json, reference: str) -> Booked:
    """Read a document the ERP has. Raises :class:`BadAnswer` if it is not the one asked for."""
    if not isinstance(document, dict):
        raise BadAnswer(f"{type(document).__name__} is no document")
    number, told = text_of(document, "number"), text_of(document, "externalDocumentNumber")
    if not number:
        raise BadAnswer("the document has no number")
    if told and told != reference:
        raise BadAnswer(f"document {number} has the reference {told}, not {reference}")
    return Booked(number, text_of(document, "outcome"))


def values(reply: Reply) -> list[Json]:
    """Read the list in an answer to a query. Raises :class:`BadAnswer`."""
    body = loads(reply.body)
    rows = body.get("value") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise BadAnswer("no list 'value' in the answer")
    return rows


# --------------------------------------------------------------------------- HTTP


def _booked(reply: Reply, reference: str, _: datetime) -> Outcome:
    try:
        return booked(loads(reply.body), reference)
    except BadAnswer as error:
        return Unknown(f"{reply}: {error}")


def _refused(reply: Reply, _reference: str, _: datetime) -> Outcome:
    problem = problem_of(reply)
    if problem is None:
        # Not in this ERP's words: whoever refused it may have done so after passing it on.
        return Unknown(str(reply))
    return Refused(cause_of(problem), f"{reply.status} {problem.code}: {problem.message}")


def _too_large(reply: Reply, _reference: str, _: datetime) -> Outcome:
    return Refused(Cause.NOT_ACCEPTED, str(reply))


def _credentials(reply: Reply, _reference: str, _: datetime) -> Outcome:
    return Busy(f"{reply} (check the client and its permissions)", closes=True)


def _not_here(reply: Reply, _reference: str, now: datetime) -> Outcome:
    if problem_of(reply) is not None:
        return _refused(reply, _reference, now)
    return Busy(f"{reply} (check the address and the tenant)", closes=True)


def _conflict(reply: Reply, _reference: str, _: datetime) -> Outcome:
    return Busy(str(reply))


def _throttled(reply: Reply, _reference: str, now: datetime) -> Outcome:
    wait_ms = retry_after_ms(reply.headers, now)
    return Busy(str(reply), retry_after_ms=wait_ms, closes=True)


def _unavailable(reply: Reply, _reference: str, now: datetime) -> Outcome:
    """A request that waited too long in the queue is answered so, by this ERP, and never ran.

    A bare 503 is some proxy's, and proxies also send it when a server dies under a request.
    """
    wait_ms = retry_after_ms(reply.headers, now)
    if wait_ms is None and problem_of(reply) is None:
        return Unknown(str(reply))
    return Busy(str(reply), retry_after_ms=wait_ms, closes=True)


def _unsure(reply: Reply, _reference: str, _: datetime) -> Outcome:
    return Unknown(str(reply))


_Reading = Callable[[Reply, str, datetime], Outcome]

WRITES: Final[dict[int, _Reading]] = {
    200: _booked,
    201: _booked,
    400: _refused,
    401: _credentials,
    403: _credentials,
    404: _not_here,
    405: _not_here,
    409: _conflict,  # locked, or changed by another user: rolled back
    412: _conflict,
    413: _too_large,
    415: _refused,
    422: _refused,
    429: _throttled,
    503: _unavailable,
}
"""HTTP status of a write -> how to read it.

Any other is unknown, among them those that come when it may have run: 408 (operation timed out),
500, 502 and 504 (the gateway's own limit).
"""


def write(reply: Reply, reference: str, now: datetime) -> Outcome:
    """Say what became of a document that was posted."""
    return WRITES.get(reply.status, _unsure)(reply, reference, now)


def query(reply: Reply, now: datetime) -> Busy | Unknown:
    """Say why a query got no list."""
    outcome = write(reply, "", now)
    return outcome if isinstance(outcome, Busy) else Unknown(str(reply))


# --------------------------------------------------------------------------- texts

_WORDS: Final[tuple[tuple[re.Pattern[str], Cause], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"\bthe item does not exist", Cause.UNKNOWN_ITEM),
        (r"\bthe sales (order|invoice)( header)? does not exist", Cause.UNKNOWN_ORDER),
        (r"\ballowed posting dates\b", Cause.CLOSED_PERIOD),
        (r"\b(total|amount)\b.*\bmust be equal to\b", Cause.TOTAL_DIFFERS),
    )
)


def cause_of(problem: Problem) -> Cause:
    """Return the cause an error means, ``NOT_ACCEPTED`` for any we do not know."""
    return next(
        (cause for words, cause in _WORDS if words.search(problem.message)), Cause.NOT_ACCEPTED
    )
