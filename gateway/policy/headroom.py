"""What a stream of calls does to an ERP's quota: peak use, head-room, backlog, when it clears.

A fluid model by the minute. In each minute an ERP can take as many calls as its window grants on
average and as its concurrency lets through; reads take their share first, because somebody is
waiting; writes that do not fit wait. It errs on the side of caution where calls come in bursts the
window would absorb, and says nothing of the time within a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final, NamedTuple

MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Profile:
    """What an ERP grants. ``call_s`` is how long one call takes, 0 if nobody measured it."""

    calls_max: int
    window_s: float
    concurrent_max: int
    call_s: float = 0.0

    @property
    def calls_per_minute(self) -> float:
        """What it takes in a minute when there is always work."""
        by_window = self.calls_max * MINUTE_S / self.window_s
        if not self.call_s:
            return by_window
        return min(by_window, self.concurrent_max * MINUTE_S / self.call_s)


class Demand(NamedTuple):
    """Calls of one minute: ``reads`` somebody waits for, ``writes`` that may wait."""

    reads: float = 0.0
    writes: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a period asks of one ERP. Minutes count from 1970; None where there was nothing.

    ``peak_share`` is of what the quota grants over one window (1.0 is all of it), ``headroom``
    what is left of it. ``refused`` are reads for which nothing was left. The backlog is in calls;
    ``delay_s_max`` is how long its last call would have waited, ``cleared_minute`` the first one
    without any after the peak, past the period's end if nothing more came.
    """

    calls: float
    peak_share: float
    peak_minute: int | None
    refused: float
    backlog_max: float
    backlog_minute: int | None
    delay_s_max: float
    cleared_minute: int | None

    @property
    def headroom(self) -> float:
        """What is left of the quota at the peak; below 0 it is not enough."""
        return 1 - self.peak_share


def load(demand: Mapping[int, Demand], profile: Profile) -> Load:
    """Run the minutes of ``demand`` (those without any may be left out) through a quota."""
    if not demand:
        return Load(0, 0.0, None, 0, 0, None, 0.0, None)
    peak_share, peak_minute = _peak(demand, profile)
    per_minute = profile.calls_per_minute
    backlog = backlog_max = refused = 0.0
    backlog_minute: int | None = None
    cleared: int | None = None
    previous = min(demand)
    for minute in sorted(demand):
        idle = minute - previous - 1
        if backlog and idle > 0:
            if backlog <= idle * per_minute:
                cleared, backlog = cleared or previous + ceil(backlog / per_minute), 0.0
            else:
                backlog -= idle * per_minute
        reads, writes = demand[minute]
        left = per_minute - reads
        if left < 0:
            refused, left = refused - left, 0.0
        waiting = backlog + writes
        backlog = waiting - left if waiting > left else 0.0
        if backlog > backlog_max:
            backlog_max, backlog_minute, cleared = backlog, minute, None
        elif backlog == 0 and backlog_minute is not None and cleared is None:
            cleared = minute
        previous = minute
    if backlog and cleared is None:
        cleared = previous + ceil(backlog / per_minute)
    return Load(
        calls=sum(map(sum, demand.values())),
        peak_share=peak_share,
        peak_minute=peak_minute,
        refused=refused,
        backlog_max=backlog_max,
        backlog_minute=backlog_minute,
        delay_s_max=backlog_max / per_minute * MINUTE_S,
        cleared_minute=cleared,
    )


def _peak(demand: Mapping[int, Demand], profile: Profile) -> tuple[float, int]:
    """Return the greatest use of any window of whole minutes, and the minute it ends with."""
    minutes = max(1, ceil(profile.window_s / MINUTE_S))
    granted = profile.calls_per_minute * minutes
    peak, at = -1.0, 0
    window: list[tuple[int, float]] = []
    used = 0.0
    for minute in sorted(demand):
        calls = sum(demand[minute])
        window.append((minute, calls))
        used += calls
        while window[0][0] <= minute - minutes:
            used -= window.pop(0)[1]
        if used > peak:
            peak, at = used, minute
    return max(0.0, peak / granted), at
