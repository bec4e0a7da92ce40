"""What the cloud ERP's answers mean: one table for HTTP statuses, one for words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.canonical.outcome import Booked, Busy, Cause, Outcome, Refused, Unknown
from gateway.erp.cloud.exact import Json, loads
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Reply
from gateway.erp.meaning import Answer, Means, cause, means, words
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


# --------------------------------------------------------------------------- tables

ANSWERS: Final[tuple[Answer, ...]] = (
    Answer(200, Means.BOOKED, "the document, if it carries our reference and a number"),
    Answer(201, Means.BOOKED, "the document, if it carries our reference and a number"),
    Answer(400, Means.BY_WORDS, "a business rule, or a field it cannot read", worded=True),
    Answer(400, Means.UNKNOWN, "a proxy's: it may have passed the request on", worded=False),
    Answer(401, Means.RENEW, "did not run; with a new token it is sent once more, then it is a "
           "configuration fault"),
    Answer(403, Means.FAULT, "the client may not do this: its permissions"),
    Answer(404, Means.BY_WORDS, "no such company or record", worded=True),
    Answer(404, Means.FAULT, "not this ERP: the address or the tenant", worded=False),
    Answer(405, Means.BY_WORDS, "not possible on this resource", worded=True),
    Answer(405, Means.FAULT, "not this ERP: the address or the tenant", worded=False),
    Answer(408, Means.UNKNOWN, "ran too long and is rolled back, or is not"),
    Answer(409, Means.RETRY, "locked or changed by another user: rolled back"),
    Answer(412, Means.RETRY, "changed by another user: rolled back"),
    Answer(413, Means.HOLD, "larger than it takes"),
    Answer(415, Means.BY_WORDS, "not the type it reads", worded=True),
    Answer(422, Means.BY_WORDS, "a field it cannot take", worded=True),
    Answer(429, Means.CLOSED, "the limits of this user are used up"),
    Answer(500, Means.UNKNOWN, "failed somewhere"),
    Answer(502, Means.UNKNOWN, "a proxy lost the server under the request"),
    Answer(503, Means.CLOSED, "waited too long in the queue and never ran, or maintenance",
           worded=True),
    Answer(503, Means.CLOSED, "asks for a pause", paused=True),
    Answer(503, Means.UNKNOWN, "a proxy's: also sent when a server dies under a request",
           worded=False, paused=False),
    Answer(504, Means.UNKNOWN, "the gateway's own limit ended the wait, not the work"),
)  # fmt: skip
"""What a status of a write means. Any other is unknown."""

WORDS: Final = words(
    (r"\bthe item does not exist", Cause.UNKNOWN_ITEM),
    (r"\bthe customer does not exist", Cause.UNKNOWN_CUSTOMER),
    (r"\bcustomer\b.*\bis blocked\b", Cause.CREDIT_BLOCK),
    (r"\bthe sales (order|invoice)( header)? does not exist", Cause.UNKNOWN_ORDER),
    (r"\ballowed posting dates\b", Cause.CLOSED_PERIOD),
    (r"\b(total|amount)\b.*\bmust be equal to\b", Cause.TOTAL_DIFFERS),
)
"""The words an error message refuses in. Any other is ``not-accepted``."""

_REMEDY: Final = {
    401: "check the client and its permissions",
    403: "check the client and its permissions",
}


def write(reply: Reply, reference: str, now: datetime) -> Outcome:
    """Say what became of a document that was posted."""
    wait_ms, problem = retry_after_ms(reply.headers, now), problem_of(reply)
    meaning = means(ANSWERS, reply.status, worded=problem is not None, paused=wait_ms is not None)
    outcome: Outcome
    match meaning:
        case Means.BOOKED:
            outcome = _booked(reply, reference)
        case Means.BY_WORDS if problem is not None:
            detail = f"{reply.status} {problem.code}: {problem.message}"
            outcome = Refused(cause_of(problem), detail)
        case Means.HOLD:
            outcome = Refused(Cause.NOT_ACCEPTED, str(reply))
        case Means.RETRY:
            outcome = Busy(str(reply))
        case Means.CLOSED:
            outcome = Busy(str(reply), retry_after_ms=wait_ms, closes=True)
        case Means.RENEW | Means.FAULT:
            remedy = _REMEDY.get(reply.status, "check the address and the tenant")
            outcome = Busy(f"{reply} ({remedy})", closes=True, misconfigured=True)
        case _:
            outcome = Unknown(str(reply))
    return outcome


def _booked(reply: Reply, reference: str) -> Outcome:
    try:
        return booked(loads(reply.body), reference)
    except BadAnswer as error:
        return Unknown(f"{reply}: {error}")


def query(reply: Reply, now: datetime) -> Busy | Unknown:
    """Say why a query got no list."""
    outcome = write(reply, "", now)
    return outcome if isinstance(outcome, Busy) else Unknown(str(reply))


def cause_of(problem: Problem) -> Cause:
    """Return the cause an error means, ``NOT_ACCEPTED`` for any we do not know."""
    return cause(WORDS, problem.message)
