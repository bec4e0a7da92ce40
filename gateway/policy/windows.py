"""May a call start now? Not if it could still be running when its ERP closes.

Pure: what is asked is the time, and how long the call may take. A window is a promise of the ERP's
people; a call that is cut off in one is an unknown outcome each time, which costs a probe and holds
up its object. So no call starts whose deadline lies behind the beginning of a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from gateway.canonical.process import Target
from gateway.canonical.window import ErpWindow, Span

#: Windows that follow each other with no time for a call between them: looked through so far.
CHAINED_MAX: Final = 400
#: Added to a call's deadline: between the look at the clock and the first byte a worker may pause
#: for a part of its lease, and the clocks of two machines kept by NTP differ by milliseconds.
MARGIN_MS: Final = 2_000
#: Of days looked at, what is remembered: today's, and tomorrow's while clocks disagree.
_DAYS_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be called. Without ``process`` only windows about all processes matter."""

    erp: Target
    process: str = ""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The call must wait ``until`` then; ``window_id`` is the window that is in its way."""

    until: datetime
    window_id: str

    def wait_ms(self, now: datetime) -> int:
        """How long that is from ``now``, at least 1."""
        return max(1, -(-int((self.until - now).total_seconds() * 1_000_000) // 1000))


class Windows:
    """All windows of both ERPs. Asking costs a look at today's occurrences, once worked out."""

    def __init__(self, windows: Iterable[ErpWindow] = ()) -> None:
        self.all: tuple[ErpWindow, ...] = tuple(windows)
        self._near: dict[tuple[Call, date], tuple[Span, ...]] = {}

    def gate(self, call: Call, now: datetime, lasts_ms: int) -> Closed | None:
        """Return None if a call of at most ``lasts_ms`` may start now, else when it may."""
        if not self.all:
            return None
        lasts = timedelta(milliseconds=lasts_ms)
        at, blocking = now, ""
        for _ in range(CHAINED_MAX):
            in_the_way = [
                span
                for span in self._spans(call, at, lasts)
                if span.start < at + lasts and span.end > at
            ]
            if not in_the_way:
                break
            blocking = blocking or min(in_the_way).window_id
            at = max(span.end for span in in_the_way)
        return None if at == now else Closed(at, blocking)

    def coming(self, call: Call, start: datetime, end: datetime) -> Sequence[Span]:
        """Return what closes the ERP for a call between two times, in order."""
        return sorted(
            span
            for window in self.all
            if concerns(window, call)
            for span in window.spans(start, end)
        )

    def _spans(self, call: Call, at: datetime, lasts: timedelta) -> Iterable[Span]:
        """Everything near ``at``; the days around it are worked out once."""
        day = at.astimezone(UTC).date()
        start = datetime.combine(day, time(0), UTC)
        if lasts > timedelta(days=1):
            return self.coming(call, at, at + lasts)
        near = self._near.get((call, day))
        if near is None:
            if len({each for _, each in self._near}) >= _DAYS_KEPT:
                self._near.clear()
            near = tuple(self.coming(call, start, start + timedelta(days=2)))
            self._near[call, day] = near
        return near


def concerns(window: ErpWindow, call: Call) -> bool:
    """Say whether a window closes the ERP for a call."""
    return (
        window.erp is call.erp
        and (call.writes or not window.writes_only)
        and (not window.processes or call.process in window.processes)
    )
