"""What the legacy ERP's answers mean: one table for HTTP, one for IDoc statuses, one for texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from typing import Final
from xml.etree.ElementTree import Element

from gateway.canonical.outcome import Booked, Busy, Cause, Outcome, Refused, Stored, Unknown
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Reply
from gateway.erp.legacy.soap import field, parse, required
from gateway.erp.retry_after import retry_after_ms

# --------------------------------------------------------------------------- HTTP


def _stored(reply: Reply, _: datetime) -> Outcome:
    try:
        numbers = [(each.text or "").strip() for each in parse(reply.body).iter("DOCNUM")]
    except BadAnswer as error:
        return Unknown(f"{reply}: {error}")
    # A packet of one IDoc has one number. Without it, or with more, we do not know what was kept.
    if len(numbers) != 1 or not numbers[0].strip("0"):
        return Unknown(f"{reply}: {len(numbers)} document numbers, expected one")
    return Stored(numbers[0])


def _refused(reply: Reply, _: datetime) -> Outcome:
    return Refused(Cause.NOT_ACCEPTED, str(reply))


def _credentials(reply: Reply, _: datetime) -> Outcome:
    return Busy(f"{reply} (check the credentials and what they may do)", closes=True)


def _not_here(reply: Reply, _: datetime) -> Outcome:
    return Busy(f"{reply} (check the address, and the service in SICF)", closes=True)


def _no_session(reply: Reply, now: datetime) -> Outcome:
    wait_ms = retry_after_ms(reply.headers, now)
    return Busy(str(reply), retry_after_ms=wait_ms, closes=wait_ms is not None)


def _unsure(reply: Reply, _: datetime) -> Outcome:
    return Unknown(str(reply))


_Reading = Callable[[Reply, datetime], Outcome]

INTAKE: Final[dict[int, _Reading]] = {
    200: _stored,
    201: _stored,
    400: _refused,
    401: _credentials,
    403: _credentials,
    404: _not_here,
    405: _not_here,
    413: _refused,
    415: _refused,
    429: _no_session,
    503: _no_session,
}
"""HTTP status of the IDoc intake -> how to read it. Any other, 408 and 500 included, is unknown."""


def intake(reply: Reply, now: datetime) -> Outcome:
    """Say what became of an IDoc that was posted to the intake."""
    return INTAKE.get(reply.status, _unsure)(reply, now)


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


# --------------------------------------------------------------------------- texts

_WORDS: Final[tuple[tuple[re.Pattern[str], Cause], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"\bmaterial\b.*\bnot (maintained|defined|exist)", Cause.UNKNOWN_ITEM),
        (r"\bmaterial\b.*\bdoes not exist", Cause.UNKNOWN_ITEM),
        (r"\b(sales document|order)\b.*\b(does not exist|not found)", Cause.UNKNOWN_ORDER),
        (r"\bperiod\b.*\b(not open|closed)", Cause.CLOSED_PERIOD),
        (r"\b(control total|sum|total)\b.*\b(add up|differ)", Cause.TOTAL_DIFFERS),
    )
)


def cause_of(text: str) -> Cause:
    """Return the cause a status text means, ``NOT_ACCEPTED`` for any we do not know."""
    return next((cause for words, cause in _WORDS if words.search(text)), Cause.NOT_ACCEPTED)
