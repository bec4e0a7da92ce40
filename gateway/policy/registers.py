"""What a register's numbers tell: which are missing, used twice, or came late. Pure.

A register counts every transaction. So a number nobody has seen is a receipt that is lost or still
offline, until it comes; and it makes no difference in which order numbers arrive.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from gateway.canonical.exchange.stores import NumberUsed, StoreNumbers


class Counting(NamedTuple):
    """How a store's registers count.

    ``last`` is the number behind which they go on with 1, 0 if there is none. ``daily``: they begin
    each business day with 1; otherwise a day goes on where the one before it ended.
    """

    last: int = 0
    daily: bool = False


class Gap(NamedTuple):
    """Numbers from ``first`` to ``last`` (included) that nobody has seen."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many are missing."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class RegisterDay:
    """One register on one business day.

    ``first`` and ``last`` are the day's ends in the order of counting: ``first`` is the greater one
    if the register began again with 1 in between. ``restarted``: its numbers go back behind those
    of the day before; it was reset or replaced, and nothing can be said of numbers in between.
    """

    register_id: str
    first: int
    last: int
    counts: Mapping[str, int]
    gaps: tuple[Gap, ...]
    conflicts: tuple[tuple[NumberUsed, ...], ...]
    late: tuple[NumberUsed, ...]
    restarted: bool

    @property
    def missing(self) -> int:
        """How many numbers are missing."""
        return sum(gap.size for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class StoreDay:
    """A store's business day; ``closed_at`` is None if nobody said that it has ended."""

    store: str
    business_date: date
    closed_at: datetime | None
    registers: tuple[RegisterDay, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing, contradictory or late."""
        return not any(it.gaps or it.conflicts or it.late for it in self.registers)


def report(numbers: StoreNumbers, since: date, counting: Mapping[str, Counting]) -> list[StoreDay]:
    """Return the days from ``since``, the oldest first; earlier ones tell where they begin."""
    by_register: dict[tuple[str, str], dict[date, list[NumberUsed]]] = defaultdict(dict)
    for used in numbers.used:
        days = by_register[used.store, used.register_id]
        days.setdefault(used.business_date, []).append(used)
    closed = {(it.store, it.business_date): it.closed_at for it in numbers.closed}
    found: dict[tuple[date, str], list[RegisterDay]] = {key[::-1]: [] for key in closed}
    for (store, register), days in sorted(by_register.items()):
        how = counting.get(store, Counting())
        in_order = sorted(days)
        known = {day: _numbers(days[day]) for day in in_order}
        for at, day in enumerate(in_order):
            if day < since:
                continue
            before = in_order[at - 1] if at else None
            near = [known[it] for it in in_order[max(at - 1, 0) : at + 2]]
            seen = sorted({number for some in near for number in some})
            line = _Line(known[day], known[before] if before else (), seen, how)
            found.setdefault((day, store), []).append(
                _day(register, days[day], line, closed.get((store, day)))
            )
    return [
        StoreDay(store, day, closed.get((store, day)), tuple(registers))
        for (day, store), registers in sorted(found.items())
        if day >= since
    ]


class _Line(NamedTuple):
    """A day's numbers, those of the day before, all of both and the next, and how they count."""

    day: Sequence[int]
    before: Sequence[int]
    seen: Sequence[int]
    how: Counting


def _day(
    register: str, used: Sequence[NumberUsed], line: _Line, closed_at: datetime | None
) -> RegisterDay:
    first, last = _ends(line.day, line.how)
    ahead, restarted = _ahead(first, line)
    within = _missing(first, last, line.how) if len(line.day) > 1 else ()
    gaps = tuple(
        gap for span in (*ahead, *within) for gap in _unseen(span, line.day if line.how.daily
                                                              else line.seen)
    )  # fmt: skip
    of_number: dict[int, list[NumberUsed]] = defaultdict(list)
    for it in used:
        of_number[it.sequence].append(it)
    conflicts = tuple(
        tuple(sorted(uses, key=lambda it: (it.arrived_at, it.content, it.channel)))
        for _, uses in sorted(of_number.items())
        if len(uses) > 1
    )
    late = [it for it in used if closed_at is not None and it.arrived_at > closed_at]
    return RegisterDay(
        register_id=register,
        first=first,
        last=last,
        counts=dict(sorted(Counter(it.kind for it in used).items())),
        gaps=gaps,
        conflicts=conflicts,
        late=tuple(sorted(late, key=lambda it: (it.sequence, it.arrived_at))),
        restarted=restarted,
    )


def _numbers(used: Iterable[NumberUsed]) -> Sequence[int]:
    return sorted({it.sequence for it in used})


def _ends(day: Sequence[int], how: Counting) -> tuple[int, int]:
    """Return the first and the last number, in the order of counting.

    Where numbers go round, the widest stretch without one is what lies outside of the day.
    """
    if not how.last or how.daily:
        return day[0], day[-1]
    widest, first, last = day[0] + how.last - day[-1], day[0], day[-1]
    for low, high in pairwise(day):
        if high - low > widest:
            widest, first, last = high - low, high, low
    return first, last


def _ahead(first: int, line: _Line) -> tuple[Sequence[Gap], bool]:
    """Return what is missing between the day before and this one; whether counting went back."""
    if line.how.daily:
        return ([Gap(1, first - 1)] if first > 1 else []), False
    if not line.before:
        return [], False
    _, last = _ends(line.before, line.how)
    if first > last and not (line.how.last and first - last > line.how.last // 2):
        return ([Gap(last + 1, first - 1)] if first > last + 1 else []), False
    round_it = line.how.last - last + first if line.how.last else 0
    if not round_it or first > last or round_it > line.how.last // 2:
        return [], True
    return list(_missing(last, first, line.how)), False


def _missing(first: int, last: int, how: Counting) -> Iterator[Gap]:
    """Yield the stretches between two numbers, going round if ``first`` is the greater one."""
    if first <= last:
        if last > first + 1:
            yield Gap(first + 1, last - 1)
        return
    if first < how.last:
        yield Gap(first + 1, how.last)
    if last > 1:
        yield Gap(1, last - 1)


def _unseen(span: Gap, seen: Sequence[int]) -> Iterator[Gap]:
    """Yield what is left of a stretch without the numbers that were seen."""
    at = span.first
    for number in seen[bisect_left(seen, span.first) : bisect_right(seen, span.last)]:
        if number > at:
            yield Gap(at, number - 1)
        at = number + 1
    if at <= span.last:
        yield Gap(at, span.last)
