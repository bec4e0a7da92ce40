"""A run that stands still after healing fails, and so does one that never ends."""

from __future__ import annotations

from tests.chaos.progress import DRAIN_S_MAX, LOOKS_EMPTY, PROGRESS_S_MAX, Progress

WAITS = {"held": 2, "in flight": 1}


def test_nothing_booked_within_the_bound_fails_and_says_what_waits() -> None:
    progress = Progress(100.0)
    assert progress.look(100.0, 7, WAITS) == ""
    assert progress.look(100.0 + PROGRESS_S_MAX, 7, WAITS) == ""
    assert progress.look(101.0 + PROGRESS_S_MAX, 7, WAITS) == (
        f"no progress: {PROGRESS_S_MAX + 1:.0f} s after everything was healed still 2 held, "
        f"1 in flight; nothing was booked for {PROGRESS_S_MAX + 1:.0f} s"
    )


def test_each_booking_gives_it_time_but_not_for_ever() -> None:
    progress, now_s, booked = Progress(0.0), 0.0, 0
    while not (failed := progress.look(now_s, booked, WAITS)):
        now_s, booked = now_s + 10, booked + 1
    assert DRAIN_S_MAX < now_s <= DRAIN_S_MAX + 10
    assert "nothing was booked for 0 s" in failed


def test_it_is_done_when_several_looks_in_a_row_saw_nothing() -> None:
    progress = Progress(0.0)
    for look in range(LOOKS_EMPTY - 1):
        assert progress.look(look, 1, {}) == ""
    progress.look(LOOKS_EMPTY, 1, WAITS)
    assert not progress.done
    for look in range(LOOKS_EMPTY):
        assert not progress.done
        assert progress.look(1000.0 + look, 1, {}) == "", "nothing waits: nothing has to be booked"
    assert progress.done
