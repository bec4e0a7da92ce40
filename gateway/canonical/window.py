"""When an ERP is closed: maintenance, batch runs, one-off shutdowns, as its people write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.canonical.process import Target

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week, in the order of ``date.weekday()``."""

_DAY: Final = timedelta(days=1)


class Span(NamedTuple):
    """One occurrence of a window: from ``start`` up to but not including ``end``."""

    start: datetime
    end: datetime
    window_id: str


@dataclass(frozen=True, slots=True)
class ErpWindow:
    """A time when an ERP takes no calls, or no writes; once, or on days of the week.

    It begins at the local time ``begins`` of each day from ``first`` to ``last`` that is one of
    ``days`` (of ``date.weekday()``), and ends at ``ends``, ``days_on`` days later. Without
    ``processes`` it is about all; ``writes_only`` lets look-ups and enquiries through.

    Local times that a change of clocks skips or repeats have two readings. A window is never
    shorter than meant: it begins with the earlier one and ends with the later one.
    """

    window_id: str
    erp: Target
    zone: ZoneInfo
    begins: time
    ends: time
    days_on: int
    days: frozenset[int] = frozenset(range(7))
    first: date = date.min
    last: date = date.max
    processes: frozenset[str] = frozenset()
    writes_only: bool = False
    why: str = field(default="", compare=False)

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Return the occurrences that touch the time from ``start`` to ``end``, in order."""
        # A day more on either side: local days are not UTC days.
        day = start.astimezone(self.zone).date() - _DAY * (self.days_on + 1)
        until = min(self.last, end.astimezone(self.zone).date() + _DAY)
        day = max(day, self.first)
        while day <= until:
            if day.weekday() in self.days:
                span = Span(
                    min(_readings(day, self.begins, self.zone)),
                    max(_readings(day + _DAY * self.days_on, self.ends, self.zone)),
                    self.window_id,
                )
                if span.start < end and span.end > start:
                    yield span
            day += _DAY


def _readings(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants a local time may mean: one, twice; or two where clocks are changed."""
    utc = ZoneInfo("UTC")
    local = datetime.combine(day, at, zone)
    return local.astimezone(utc), local.replace(fold=1).astimezone(utc)
