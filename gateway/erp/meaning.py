"""What an answer can mean, and the rows that tables of answers are made of.

A dialect holds one table for what its server answers and one for the words it refuses in. They are
data: the adapter looks answers up in them, ``docs/reference/erp-answers.md`` is written from them,
and a test compares them with everything that the simulated ERPs can answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.canonical.outcome import Cause


class Means(StrEnum):
    """What is done about an answer."""

    BOOKED = "booked"
    STORED = "stored, poll"
    BY_WORDS = "refused: by its words"  #: the table of words says whether it holds or waits
    HOLD = "permanent, hold"
    RETRY = "not booked, retry"
    UNKNOWN = "unknown, probe"
    RENEW = "token, renew once"
    CLOSED = "closed, wait"
    FAULT = "configuration fault: closed, alarm"


@dataclass(frozen=True, slots=True)
class Answer:
    """One row: a status, and if need be what else the answer must have.

    ``worded`` is whether the body is an error in this ERP's own words; ``paused`` whether a
    ``Retry-After`` came with it; None does not ask. The first row that fits counts.
    """

    status: int
    means: Means
    why: str
    worded: bool | None = None
    paused: bool | None = None

    def fits(self, status: int, *, worded: bool, paused: bool) -> bool:
        """Say whether this row is about such an answer."""
        return (
            self.status == status
            and self.worded in (None, worded)
            and self.paused in (None, paused)
        )


@dataclass(frozen=True, slots=True)
class Words:
    """One row: words an ERP refuses in, and the cause they name."""

    pattern: re.Pattern[str]
    cause: Cause


def words(*rows: tuple[str, Cause]) -> tuple[Words, ...]:
    """Make a table of words; patterns are searched for, whatever the case."""
    return tuple(Words(re.compile(pattern, re.IGNORECASE), cause) for pattern, cause in rows)


def means(rows: Sequence[Answer], status: int, *, worded: bool, paused: bool) -> Means:
    """Look an answer up; one that no row is about is unknown: guessing would lose or double it."""
    for row in rows:
        if row.fits(status, worded=worded, paused=paused):
            return row.means
    return Means.UNKNOWN


def cause(rows: Sequence[Words], text: str) -> Cause:
    """Return the cause a text names, ``NOT_ACCEPTED`` for any we do not know."""
    return next((row.cause for row in rows if row.pattern.search(text)), Cause.NOT_ACCEPTED)
