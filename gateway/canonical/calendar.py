"""Calendars: when business does not want its routes changed, and when its books are open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CalendarKind(StrEnum):
    """What the windows of a calendar mean for a flip."""

    FREEZE = "freeze"  #: nothing is flipped inside a window: peak season, an audit, a holiday
    FINANCE_CLOSE = "finance-close"  #: no writes are flipped inside one: books are being closed
    POSTING_PERIOD = "posting-period"  #: writes are flipped only inside one: the period is open


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` up to but not including ``end``, both aware; ``why`` is for people."""

    name: str
    start: datetime
    end: datetime
    why: str = ""

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Calendar:
    """Windows of one kind, who answers for them, and whom they bind: no entities means all."""

    name: str
    kind: CalendarKind
    owner: str
    legal_entities: frozenset[str]
    windows: tuple[Window, ...]
