"""What can come of one call to an ERP: six answers, and every dialect maps onto them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why an ERP refused for good, in words that channels and staff share."""

    UNKNOWN_ITEM = "unknown-item"
    UNKNOWN_ORDER = "unknown-order"
    CLOSED_PERIOD = "closed-period"
    TOTAL_DIFFERS = "total-differs"
    NOT_ACCEPTED = "not-accepted"
    POISON = "poison"


@dataclass(frozen=True, slots=True)
class Booked:
    """The document exists and is posted. ``result`` is e.g. a cancellation's outcome."""

    document: str
    result: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """The ERP keeps the document but has not posted it yet: ask again by ``document``."""

    document: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Final: nothing was booked and a repeat would be refused again. ``detail`` is for staff."""

    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Certainly not booked; try later. ``closes`` says the whole ERP asked for silence."""

    detail: str
    retry_after_ms: int | None = None
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not be booked: only a probe can tell."""

    detail: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The answer of a probe: no document with that reference is visible now."""


Outcome = Booked | Stored | Refused | Busy | Unknown
Probed = Booked | Stored | Refused | Absent | Busy | Unknown
