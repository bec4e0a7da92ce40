"""What the legacy ERP's answers mean: one table for HTTP, one for IDoc statuses, one for words."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto
from typing import Final
from xml.etree.ElementTree import Element

from gateway.canonical.outcome import Booked, Busy, Cause, Outcome, Refused, Stored, Unknown
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Reply
from gateway.erp.legacy.soap import field, parse, required
from gateway.erp.meaning import Answer, Means, cause, means, words
from gateway.erp.retry_after import retry_after_ms

# --------------------------------------------------------------------------- HTTP

ANSWERS: Final[tuple[Answer, ...]] = (
    Answer(200, Means.STORED, "the IDoc's number, if there is exactly one"),
    Answer(201, Means.STORED, "the IDoc's number, if there is exactly one"),
    Answer(400, Means.HOLD, "no IDoc, or a control record it cannot read"),
    Answer(401, Means.FAULT, "the user or the password"),
    Answer(403, Means.FAULT, "what the user may do"),
    Answer(404, Means.FAULT, "the address, or the service is not active in SICF"),
    Answer(405, Means.FAULT, "the address, or the service is not active in SICF"),
    Answer(408, Means.UNKNOWN, "ran too long"),
    Answer(413, Means.HOLD, "larger than it takes"),
    Answer(415, Means.HOLD, "not the type it reads"),
    Answer(429, Means.CLOSED, "asks for a pause"),
    Answer(500, Means.UNKNOWN, "failed somewhere, perhaps after the commit"),
    Answer(502, Means.UNKNOWN, "a proxy lost the server under the request"),
    Answer(503, Means.CLOSED, "no session is free, or the system is closed"),
    Answer(504, Means.UNKNOWN, "a proxy ended the wait, not the work"),
)
"""What a status of the IDoc intake means. Any other is unknown."""

_REMEDY: Final = {
    401: "check the credentials and what they may do",
    403: "check the credentials and what they may do",
}


def intake(reply: Reply, now: datetime) -> Outcome:
    """Say what became of an IDoc that was posted to the intake."""
    wait_ms = retry_after_ms(reply.headers, now)
    match means(ANSWERS, reply.status, worded=False, paused=wait_ms is not None):
        case Means.STORED:
            return _stored(reply)
        case Means.HOLD:
            return Refused(Cause.NOT_ACCEPTED, str(reply))
        case Means.CLOSED:
            return Busy(str(reply), retry_after_ms=wait_ms, closes=True)
        case Means.FAULT:
            remedy = _REMEDY.get(reply.status, "check the address, and the service in SICF")
            return Busy(f"{reply} ({remedy})", closes=True, misconfigured=True)
        case _:
            return Unknown(str(reply))


def _stored(reply: Reply) -> Outcome:
    try:
        numbers = [(each.text or "").strip() for each in parse(reply.body).iter("DOCNUM")]
    except BadAnswer as error:
        return Unknown(f"{reply}: {error}")
    # A packet of one IDoc has one number. Without it, or with more, we do not know what was kept.
    if len(numbers) != 1 or not numbers[0].strip("0"):
        return Unknown(f"{reply}: {len(numbers)} document numbers, expected one")
    return Stored(numbers[0])


def enquiry(reply: Reply, now: datetime) -> Busy | Unknown:
    """Say why a SOAP call got neither answer nor fault."""
    outcome = intake(reply, now)
    return outcome if isinstance(outcome, Busy) else Unknown(str(reply))


# --------------------------------------------------------------------------- IDoc statuses


class Stage(Enum):
    """How far an IDoc is."""

    PENDING = auto()
    POSTED = auto()
    FAILED = auto()


STATUSES: Final[dict[str, Stage]] = {
    "50": Stage.PENDING,  # added
    "51": Stage.FAILED,  # application document not posted
    "53": Stage.POSTED,
    "56": Stage.FAILED,  # added with errors
    "60": Stage.FAILED,  # syntax error
    "62": Stage.PENDING,  # passed to application
    "63": Stage.FAILED,  # error passing it to the application
    "64": Stage.PENDING,  # ready to be passed to application
    "65": Stage.FAILED,  # error in ALE service
    "66": Stage.PENDING,  # waiting for its predecessor (serialisation)
    "68": Stage.FAILED,  # no further processing
    "75": Stage.PENDING,  # in inbound queue
}
"""Inbound IDoc status -> how far it is.

Any other is unknown, among them those that say two things at once: 52 (partly posted), 61
(processed despite a syntax error), 69 and 70 (edited by hand, and the original of an edited one).
"""


def standing(item: Element) -> Outcome:
    """Say how the document in a ``STATUSES`` or ``DOCUMENTS`` row fares."""
    try:
        number = required(item, "DOCNUM")
    except BadAnswer as error:
        return Unknown(str(error))
    status, text = field(item, "STATUS"), field(item, "STATXT")
    match STATUSES.get(status):
        case Stage.POSTED:
            return Booked(field(item, "VBELN") or number, field(item, "OUTCOME"))
        case Stage.PENDING:
            return Stored(number)
        case Stage.FAILED:
            return Refused(cause_of(text), f"IDoc {number}: {status} {text}".rstrip())
        case None:
            return Unknown(f"IDoc {number}: status {status!r} {text}".rstrip())


# --------------------------------------------------------------------------- words

WORDS: Final = words(
    (r"\bmaterial\b.*\b(not (maintained|defined|exist)|does not exist)", Cause.UNKNOWN_ITEM),
    (r"\bcustomer\b.*\bis not (maintained|defined)", Cause.UNKNOWN_CUSTOMER),
    (r"\bcredit\b.*\b(exceeded|blocked)", Cause.CREDIT_BLOCK),
    (r"\b(sales document|order)\b.*\b(does not exist|not found)", Cause.UNKNOWN_ORDER),
    (r"\bperiod\b.*\b(not open|closed)", Cause.CLOSED_PERIOD),
    (r"\b(control total|sum|total)\b.*\b(add up|differ)", Cause.TOTAL_DIFFERS),
)
"""The words a status text refuses in. Any other is ``not-accepted``."""


def cause_of(text: str) -> Cause:
    """Return the cause a status text means, ``NOT_ACCEPTED`` for any we do not know."""
    return cause(WORDS, text)
