"""Calls against a quota, minute by minute, checked with sums a reader can do in the head."""

from __future__ import annotations

from random import Random

import pytest

from gateway.policy.headroom import Demand, Profile, load

#: 60 calls a minute.
MINUTELY = Profile(calls_max=300, window_s=300, concurrent_max=5)


def test_nothing_asked_leaves_everything() -> None:
    found = load({}, MINUTELY)

    assert (found.calls, found.headroom, found.peak_minute) == (0, 1.0, None)


def test_the_peak_is_that_of_the_fullest_window() -> None:
    found = load({0: Demand(0, 30), 4: Demand(30, 30), 9: Demand(0, 60)}, MINUTELY)

    assert found.peak_minute == 4
    assert found.peak_share == pytest.approx(90 / 300)
    assert found.headroom == pytest.approx(0.7)


def test_what_does_not_fit_waits_and_is_worked_off() -> None:
    found = load({10: Demand(0, 150), 11: Demand(0, 0), 12: Demand(0, 30)}, MINUTELY)

    assert (found.backlog_max, found.backlog_minute) == (90, 10)
    assert found.delay_s_max == pytest.approx(90)
    assert found.cleared_minute == 12


def test_a_backlog_is_worked_off_in_minutes_without_any_calls_and_after_the_period() -> None:
    assert load({10: Demand(0, 150), 20: Demand(0, 1)}, MINUTELY).cleared_minute == 12
    assert load({10: Demand(0, 150)}, MINUTELY).cleared_minute == 12


def test_reads_come_first_and_are_refused_rather_than_kept_waiting() -> None:
    found = load({5: Demand(70, 10)}, MINUTELY)

    assert found.refused == 10
    assert found.backlog_max == 10


def test_slow_calls_bound_what_a_quota_lets_through() -> None:
    slow = Profile(calls_max=300, window_s=300, concurrent_max=2, call_s=4)

    assert slow.calls_per_minute == 30
    assert load({0: Demand(0, 45)}, slow).backlog_max == 15


def test_leaving_minutes_out_is_as_good_as_writing_them_down(seed: int) -> None:
    chance = Random(seed)
    demand = {at: Demand(0, chance.choice((0, 0, 10, 200))) for at in range(60)}
    sparse = {at: it for at, it in demand.items() if it.writes}

    written, left_out = load(demand, MINUTELY), load(sparse, MINUTELY)

    assert (written.backlog_max, written.backlog_minute) == (
        left_out.backlog_max, left_out.backlog_minute,
    )  # fmt: skip
    assert written.peak_share == left_out.peak_share
