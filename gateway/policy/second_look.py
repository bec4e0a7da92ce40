"""When a transaction that was sent more than once is looked at again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

#: Looks at most. Each comes twice as late as the one before: with absence final after 12 minutes
#: the last is 25 hours after the booking, beyond every queue and every nightly batch run.
LOOKS_MAX: Final = 8


def first_ms(absent_final_ms: int) -> int:
    """Return how long after the booking the first look is: by then a late double has arrived."""
    return absent_final_ms


def next_at(looks: int, absent_final_ms: int, now: datetime) -> datetime | None:
    """Return when the look after the ``looks``-th is due; None if that was the last."""
    if looks >= LOOKS_MAX:
        return None
    return now + timedelta(milliseconds=absent_final_ms * 2 ** (looks - 1))
