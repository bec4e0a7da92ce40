"""Which calendars forbid a flip, by table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.calendar import Calendar, CalendarKind, Window
from gateway.policy.calendars import Reach, blocks


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


NL, DE = frozenset({"NL01"}), frozenset({"DE01"})
NOBODY: frozenset[str] = frozenset()
PEAK = Window("black-friday", at(20), at(30), "peak season")
FREEZE = Calendar("peak", CalendarKind.FREEZE, "trading", NOBODY, (PEAK,))
CLOSE = Calendar(
    "close", CalendarKind.FINANCE_CLOSE, "finance", NL, (Window("october", at(2), at(4, 12)),)
)
PERIODS = Calendar(
    "periods", CalendarKind.POSTING_PERIOD, "finance", NL,
    (Window("october", at(1), at(5)), Window("november", at(6), at(30))),
)  # fmt: skip

CASES = [
    # calendar, entities, writes, time, names what, until
    (FREEZE, NL, True, at(19, 23), "", None),
    (FREEZE, NL, True, at(20), "black-friday", at(30)),
    (FREEZE, NL, False, at(20), "black-friday", at(30)),  # reads freeze too
    (FREEZE, None, False, at(29, 23), "black-friday", at(30)),
    (FREEZE, NL, True, at(30), "", None),  # the end is not part of it
    (CLOSE, NL, True, at(3), "october", at(4, 12)),
    (CLOSE, NL, False, at(3), "", None),  # books do not care for reads
    (CLOSE, DE, True, at(3), "", None),  # somebody else's books
    (CLOSE, None, True, at(3), "october", at(4, 12)),  # may be anybody's
    (CLOSE, NL | DE, True, at(3), "october", at(4, 12)),
    (CLOSE, NOBODY, True, at(3), "", None),
    (PERIODS, NL, True, at(2), "", None),
    (PERIODS, NL, True, at(5, 1), "no posting period", at(6)),
    (PERIODS, NL, True, at(30), "no posting period", None),
    (PERIODS, DE, True, at(5, 1), "", None),
    (PERIODS, NL, False, at(5, 1), "", None),
]


@pytest.mark.parametrize(("calendar", "entities", "writes", "when", "named", "until"), CASES)
def test_a_calendar_forbids_what_it_binds(
    calendar: Calendar, entities: frozenset[str] | None, writes: bool, when: datetime,
    named: str, until: datetime | None,
) -> None:  # fmt: skip
    found = blocks([calendar], Reach(entities, writes), when)
    assert len(found) == bool(named)
    for block in found:
        assert named in str(block)
        assert block.until == until


def test_of_overlapping_windows_the_last_end_counts() -> None:
    double = Calendar(
        "two", CalendarKind.FREEZE, "trading", NOBODY,
        (Window("a", at(1), at(9)), Window("b", at(2), at(4))),
    )  # fmt: skip
    (block,) = blocks([double], Reach(None, writes=True), at(3))
    assert (block.window, block.until) == ("a", at(9))


@given(
    hours=st.integers(0, 30 * 24 - 1),
    offset=st.integers(-14, 14),
    writes=st.booleans(),
)
def test_the_zone_a_time_is_written_in_changes_nothing(
    hours: int, offset: int, writes: bool
) -> None:
    when = at(1) + timedelta(hours=hours)
    there = when.astimezone(timezone(timedelta(hours=offset)))
    reach = Reach(NL, writes)
    calendars = (FREEZE, CLOSE, PERIODS)
    assert blocks(calendars, reach, when) == blocks(calendars, reach, there)
