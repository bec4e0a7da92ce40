"""Numbers of registers: what is missing, used twice or late, in whatever order it came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.exchange.stores import DayClosed, NumberUsed, StoreNumbers
from gateway.policy.registers import Counting, Gap, RegisterDay, report

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONWARD = Counting()
ROUND = Counting(last=9999)
DAILY = Counting(daily=True)


def used(
    sequence: int, day: int = 0, *, kind: str = "sale", content: str = "a", minute: int = 0,
    channel: str = "pos",
) -> NumberUsed:  # fmt: skip
    at = NOON + timedelta(days=day, minutes=minute)
    return NumberUsed(
        "NL-001", DAY + timedelta(days=day), "1", sequence, channel, content, kind, f"t{sequence}",
        at, at,
    )  # fmt: skip


def days(
    numbers: list[NumberUsed], how: Counting = ONWARD, *, since: int = 0,
    closed: tuple[DayClosed, ...] = (),
) -> list[RegisterDay]:  # fmt: skip
    found = report(
        StoreNumbers(tuple(numbers), closed), DAY + timedelta(days=since), {"NL-001": how}
    )
    return [register for day in found for register in day.registers]


def gaps(found: RegisterDay) -> list[Gap]:
    return list(found.gaps)


def test_whatever_a_number_was_used_for_it_is_no_gap() -> None:
    (day,) = days([used(4), used(5, kind="void"), used(6, kind="control"), used(7)])
    assert (gaps(day), day.first, day.last) == ([], 4, 7)
    assert day.counts == {"control": 1, "sale": 2, "void": 1}


def test_what_nobody_has_seen_is_a_gap_until_it_comes() -> None:
    numbers = [used(it) for it in (1, 2, 5, 6, 9)]
    (day,) = days(numbers)
    assert (gaps(day), day.missing) == ([Gap(3, 4), Gap(7, 8)], 4)
    (day,) = days([*numbers, used(3), used(4), used(7), used(8)])
    assert gaps(day) == []


def test_a_day_goes_on_where_the_one_before_it_ended() -> None:
    before = [used(it, -3) for it in (1, 2)]
    (day,) = days([*before, used(5), used(6)])
    assert gaps(day) == [Gap(3, 4)]
    (day,) = days([*before, used(3)])
    assert gaps(day) == []


def test_registers_that_begin_each_day_with_one() -> None:
    (day,) = days([used(40, -1), used(3)], DAILY)
    assert gaps(day) == [Gap(1, 2)]
    (day,) = days([used(40, -1), used(1)], DAILY)
    assert gaps(day) == []
    (day,) = days([used(2, -1), used(1), used(3)], DAILY)
    assert gaps(day) == [Gap(2, 2)], "the number of another day is another number"


def test_a_register_that_was_reset_tells_nothing_of_before() -> None:
    (day,) = days([used(812, -1), used(1), used(3)])
    assert (day.restarted, gaps(day)) == (True, [Gap(2, 2)])
    (day,) = days([used(5000, -1), used(3000)], ROUND)
    assert (day.restarted, gaps(day)) == (True, [])


def test_numbers_go_round_behind_the_last() -> None:
    (day,) = days([used(it) for it in (9997, 9998, 1, 3)], ROUND)
    assert (day.first, day.last, gaps(day)) == (9997, 3, [Gap(9999, 9999), Gap(2, 2)])
    (day,) = days([used(9998, -1), used(2)], ROUND)
    assert (day.restarted, gaps(day)) == (False, [Gap(9999, 9999), Gap(1, 1)])
    (day,) = days([used(9999, -1), used(1)], ROUND)
    assert gaps(day) == []


def test_across_midnight_a_number_of_the_other_business_day_is_no_gap() -> None:
    # At half past midnight one register sells for the old day, then for the new, then the old.
    numbers = [used(1, 0), used(2, 0), used(3, 1), used(4, 0), used(5, 1)]
    first, second = days(numbers)
    assert gaps(first) == []
    assert gaps(second) == []


def test_two_contents_under_one_number_are_named_both_the_first_first() -> None:
    numbers = [used(7, content="b", minute=9), used(7, content="a"), used(8)]
    (day,) = days(numbers)
    assert [[it.content for it in uses] for uses in day.conflicts] == [["a", "b"]]
    (day,) = days([used(7), used(7, channel="files")])
    assert len(day.conflicts) == 1, "taken from two channels it was taken twice"


def test_what_arrives_after_the_day_was_closed_is_late() -> None:
    closed = DayClosed("NL-001", DAY, NOON + timedelta(minutes=5), "pos")
    numbers = [used(1), used(2, minute=5), used(3, minute=6), used(4, 1, minute=9)]
    first, second = days(numbers, closed=(closed,))
    assert [it.sequence for it in first.late] == [3]
    assert not second.late


def test_a_day_that_was_closed_without_a_number_is_listed() -> None:
    found = report(StoreNumbers((), (DayClosed("NL-002", DAY, NOON, "pos"),)), DAY, {})
    assert [(it.store, it.registers, it.is_clean) for it in found] == [("NL-002", (), True)]


def test_days_before_tell_where_a_day_begins_and_are_not_reported() -> None:
    found = days([used(1, -1), used(3), used(9, 1)], since=1)
    assert [(it.first, gaps(it)) for it in found] == [(9, [Gap(4, 8)])]


@given(
    missing=st.sets(st.integers(2, 199), max_size=20),
    start=st.integers(1, 9999),
    split=st.integers(1, 198),
    seed=st.integers(0, 2**32),
    how=st.sampled_from([Counting(), ROUND]),
)
def test_exactly_what_was_left_out_is_missing_in_any_order(
    missing: set[int], start: int, split: int, seed: int, how: Counting
) -> None:
    def number(place: int) -> int:
        at = start + place
        return (at - 1) % how.last + 1 if how.last else at

    numbers = [
        used(number(place), 0 if place <= split else 1)
        for place in range(1, 201)
        if place not in missing
    ]
    Random(seed).shuffle(numbers)
    found = {
        n for day in days(numbers, how) for gap in day.gaps for n in range(gap.first, gap.last + 1)
    }
    assert found == {number(place) for place in missing}
