"""What can come of one call to an ERP: six answers, and every dialect maps onto them.

A refusal is final, or it *waits*: what :data:`WAITS` names is put right by somebody in the ERP
(an item is created, a period opened, a credit limit raised), and the same document is booked then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why an ERP refused, in words that channels and staff share."""

    UNKNOWN_ITEM = "unknown-item"
    UNKNOWN_CUSTOMER = "unknown-customer"
    UNKNOWN_ORDER = "unknown-order"
    CLOSED_PERIOD = "closed-period"
    CREDIT_BLOCK = "credit-block"
    TOTAL_DIFFERS = "total-differs"
    NOT_ACCEPTED = "not-accepted"
    CROSSWALK_GAP = "crosswalk-gap"
    NOT_MAPPED = "not-mapped"
    MISCONFIGURED = "misconfigured"
    BOOKED_TWICE = "booked-twice"
    BOOKED_ANYWAY = "booked-anyway"
    POISON = "poison"
    ORDER_DISCARDED = "order-discarded"
    TAKEN_BEFORE = "taken-before"
    OWNER_UNDECIDED = "owner-undecided"
    PAYMENT_PENDING = "payment-pending"
    FEE_UNKNOWN = "fee-unknown"
    TAX_DIFFERS = "tax-differs"

    @property
    def waits(self) -> bool:
        """Whether the document is tried again by itself: it did not fail, something is missing."""
        return self in WAITS


CAUSES: Final = frozenset(it.value for it in Cause)
"""All causes as text; a cause that is not among them was recorded by another version."""

WAITS: Final = frozenset(
    {
        Cause.UNKNOWN_ITEM,
        Cause.UNKNOWN_CUSTOMER,
        Cause.CLOSED_PERIOD,
        Cause.CREDIT_BLOCK,
        Cause.CROSSWALK_GAP,
        Cause.MISCONFIGURED,
    }
)
"""Missing master data, a closed period, a credit block, a code without crosswalk, a wrong tenant or
password of ours: these wait, they do not fail."""


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
    """Nothing was booked, and a repeat is refused until somebody acts. ``detail`` is for staff."""

    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Certainly not booked; try later. ``closes`` says the whole ERP asked for silence.

    ``misconfigured``: waiting alone will not help, somebody has to correct our configuration.
    """

    detail: str
    retry_after_ms: int | None = None
    closes: bool = False
    misconfigured: bool = False


@dataclass(frozen=True, slots=True)
class Delayed:
    """Nothing was sent: a step before that has to ask somebody who does not answer now."""

    detail: str
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not be booked: only a probe can tell."""

    detail: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The answer of a probe: no document with that reference is visible now."""


Outcome = Booked | Stored | Refused | Busy | Unknown
Probed = Booked | Stored | Refused | Absent | Busy | Unknown
