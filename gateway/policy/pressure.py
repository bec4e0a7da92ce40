"""Back-pressure: which class is refused at what backlog, and when it is worth asking again.

A mark is refused to class by class, the least urgent first: low work at 70 % of it, normal at 80 %,
high at 90 %, critical work at the mark itself. What drains keeps draining; what was accepted stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gateway.canonical.exchange import Backlog
from gateway.canonical.process import Priority

#: Of each mark, what a class may fill.
SHARE: Final = {
    Priority.CRITICAL: 1.0,
    Priority.HIGH: 0.9,
    Priority.NORMAL: 0.8,
    Priority.LOW: 0.7,
}

#: What is said while nothing drains: nobody knows when it will again.
STUCK_S: Final = 60
RETRY_S_MAX: Final = 3600


@dataclass(frozen=True, slots=True)
class Marks:
    """High-water marks; see the settings of the same names."""

    messages_max: int = 2_000_000
    events_max: int = 5_000_000
    memory_share_max: float = 0.8
    memory_bytes_max: int = 0
    age_s_max: float = 86_400


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which mark a class is over, and when enough will have drained (s)."""

    mark: str
    retry_after_s: int


def refusals(
    backlog: Backlog, marks: Marks, booked_per_s: float
) -> tuple[Refusal | None, Refusal | None, Refusal | None, Refusal | None]:
    """Return, by class, why it is refused now, or None."""
    critical, high, normal, low = (_refusal(backlog, marks, it, booked_per_s) for it in Priority)
    return critical, high, normal, low


def _refusal(
    backlog: Backlog, marks: Marks, priority: Priority, booked_per_s: float
) -> Refusal | None:
    share, waiting = SHARE[priority], sum(backlog.waiting)
    over = waiting - share * marks.messages_max
    if over >= 0:
        return Refusal("messages", _until(over, booked_per_s))
    if backlog.events >= share * marks.events_max:
        return Refusal("events", STUCK_S)
    for limit in _memory_limits(backlog, marks):
        over = backlog.memory_bytes - share * limit
        if over >= 0:
            messages = over / max(1.0, backlog.memory_bytes / max(1, waiting))
            return Refusal("memory", _until(messages, booked_per_s))
    if backlog.oldest_ms[priority] / 1000 >= marks.age_s_max:
        return Refusal("age", _until(backlog.waiting[priority], booked_per_s))
    return None


def _memory_limits(backlog: Backlog, marks: Marks) -> list[float]:
    limits: list[float] = []
    if backlog.memory_max_bytes:
        limits.append(backlog.memory_max_bytes * marks.memory_share_max)
    if marks.memory_bytes_max:
        limits.append(marks.memory_bytes_max)
    return limits


def _until(messages: float, per_s: float) -> int:
    """Return how long it takes to drain so many messages, at the rate of the last minute."""
    if per_s <= 0:
        return STUCK_S
    return max(1, min(RETRY_S_MAX, math.ceil(messages / per_s)))


class DrainRate:
    """Messages booked per second, over about the last minute."""

    TAU_S: Final = 30.0

    def __init__(self) -> None:
        self.per_s = 0.0
        self._last: tuple[float, int] | None = None

    def seen(self, at_s: float, booked: int) -> float:
        """Take a reading of the store's counter; return the rate.

        A counter that went back is of a store that was restored.
        """
        last, self._last = self._last, (at_s, booked)
        if last is None or at_s <= last[0] or booked < last[1]:
            return self.per_s
        passed_s = at_s - last[0]
        rate = (booked - last[1]) / passed_s
        if self.per_s == 0.0:
            self.per_s = rate
        else:
            self.per_s += (rate - self.per_s) * (1 - math.exp(-passed_s / self.TAU_S))
        if self.per_s < 0.01:
            self.per_s = 0.0
        return self.per_s
