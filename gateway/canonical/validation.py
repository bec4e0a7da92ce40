"""What a validate-only call says: what an ERP would make of a document, and nothing booked."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.outcome import Busy, Refused, Unknown


@dataclass(frozen=True, slots=True)
class Difference:
    """A field the ERP would keep otherwise than it was sent.

    ``field`` is a canonical path, as ``"ship_to.city"`` or ``"lines[2].amount"`` (of line
    number 2). Values are texts as written; "" is none.
    """

    field: str
    sent: str
    kept: str


@dataclass(frozen=True, slots=True)
class Valid:
    """It would be booked, with these differences; none is what one hopes for."""

    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class NotOffered:
    """This ERP has no call that validates without booking; ``detail`` is for staff."""

    detail: str


Validated = Valid | Refused | NotOffered | Busy | Unknown
"""``Refused``: it would not be booked, for this cause. ``Unknown``: nothing can be said of it."""
