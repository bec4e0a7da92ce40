"""Which calendars forbid a flip at a time. Pure; times are aware, whatever zone they are in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.canonical.calendar import Calendar, CalendarKind


@dataclass(frozen=True, slots=True)
class Reach:
    """What a flip touches: legal entities (all of them if that cannot be told), and writes or not.

    ``legal_entities`` is None where a rule names neither entity nor store.
    """

    legal_entities: frozenset[str] | None
    writes: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A calendar that forbids the flip. ``until`` is when it would not any more, if that is known.

    ``window`` is "" where the calendar lists no open period for that time.
    """

    calendar: Calendar
    window: str
    until: datetime | None
    why: str

    def __str__(self) -> str:
        where = f" '{self.window}'" if self.window else ""
        until = f" until {self.until.isoformat(timespec='minutes')}" if self.until else ""
        return f"{self.calendar.kind} {self.calendar.name}{where}{until}: {self.why}"


def blocks(calendars: Iterable[Calendar], reach: Reach, at: datetime) -> list[Block]:
    """Return what forbids a flip of this reach at ``at``, in the order of the calendars."""
    found = []
    for calendar in calendars:
        block = _block(calendar, at) if _binds(calendar, reach) else None
        if block is not None:
            found.append(block)
    return found


def _binds(calendar: Calendar, reach: Reach) -> bool:
    if calendar.kind is not CalendarKind.FREEZE and not reach.writes:
        return False
    if not calendar.legal_entities or reach.legal_entities is None:
        return True
    return not calendar.legal_entities.isdisjoint(reach.legal_entities)


def _block(calendar: Calendar, at: datetime) -> Block | None:
    inside = [window for window in calendar.windows if at in window]
    if calendar.kind is CalendarKind.POSTING_PERIOD:
        if inside:
            return None
        coming = [window.start for window in calendar.windows if window.start > at]
        return Block(calendar, "", min(coming, default=None), "no posting period is open")
    if not inside:
        return None
    last = max(inside, key=lambda window: window.end)
    return Block(calendar, last.name, last.end, last.why or "nothing is flipped then")
