"""What a reading means: by table, and laws under jumping clocks, silence and flapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.guardrail import Guardrail, Reading, Signal, Verdict
from gateway.policy.guardrails import judge

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
GUARD = Guardrail(Signal.ERP_ERROR_RATE, above=5, window_s=300, samples_min=20, cool_down_s=1800)
STRICT = replace(GUARD, trips_without_data=True)
SILENCE = Reading(None, 0)


def ago(seconds: float) -> datetime:
    return AT - timedelta(seconds=seconds)


CASES = [
    # guardrail, reading, flipped ago, tripped ago, verdict
    (GUARD, Reading(5.1, 20), 10, None, Verdict.TRIPPED),
    (GUARD, Reading(5.0, 20), 10, None, Verdict.FINE),  # at the limit is not above it
    (GUARD, Reading(100, 19), 10, None, Verdict.FEW),
    (GUARD, Reading(0, 19), 10, None, Verdict.FEW),
    (GUARD, SILENCE, 10_000, None, Verdict.SILENT),
    (GUARD, Reading(0.0, 0), 10_000, None, Verdict.SILENT),
    (STRICT, SILENCE, 299, None, Verdict.SILENT),  # nothing can have happened yet
    (STRICT, SILENCE, 300, None, Verdict.TRIPPED),
    (STRICT, SILENCE, 300, 10, Verdict.COOLING),
    (STRICT, Reading(3, 5), 10_000, None, Verdict.FEW),  # few is not silent
    (GUARD, Reading(90, 500), 10, 1799, Verdict.COOLING),
    (GUARD, Reading(90, 500), 10, 1800, Verdict.TRIPPED),
    (GUARD, Reading(1, 500), 10, 10, Verdict.FINE),
    # The clock was set back: a flip and a trip of the future.
    (STRICT, SILENCE, -299, None, Verdict.SILENT),
    (STRICT, SILENCE, -301, None, Verdict.TRIPPED),
    (GUARD, Reading(90, 500), -10, -1799, Verdict.COOLING),
    (GUARD, Reading(90, 500), -10, -1801, Verdict.TRIPPED),
]


@pytest.mark.parametrize(("guardrail", "reading", "flipped", "tripped", "verdict"), CASES)
def test_what_a_reading_means(
    guardrail: Guardrail, reading: Reading, flipped: float, tripped: float | None, verdict: Verdict
) -> None:
    tripped_at = None if tripped is None else ago(tripped)
    assert judge(guardrail, reading, AT, ago(flipped), tripped_at) is verdict


guardrails = st.builds(
    Guardrail,
    signal=st.sampled_from(Signal),
    above=st.floats(0, 100),
    window_s=st.integers(1, 3600),
    samples_min=st.integers(1, 1000),
    trips_without_data=st.booleans(),
    cool_down_s=st.integers(1, 86_400),
)
readings = st.builds(Reading, value=st.none() | st.floats(0, 200), samples=st.integers(0, 2000))
seconds = st.floats(-1e8, 1e8)


@given(guardrails, readings, seconds, st.none() | seconds)
def test_it_trips_only_on_enough_samples_or_on_silence_it_was_told_to_fear(
    guardrail: Guardrail, reading: Reading, flipped: float, tripped: float | None
) -> None:
    tripped_at = None if tripped is None else ago(tripped)
    verdict = judge(guardrail, reading, AT, ago(flipped), tripped_at)
    silent = reading.value is None or reading.samples == 0
    if verdict is Verdict.TRIPPED:
        enough = reading.samples >= guardrail.samples_min
        assert guardrail.trips_without_data if silent else enough
        assert silent or (reading.value is not None and reading.value > guardrail.above)
        assert tripped is None or abs(tripped) >= guardrail.cool_down_s * (1 - 1e-9)


@given(guardrails, readings, seconds, seconds, st.floats(-1e6, 1e6))
def test_a_clock_that_jumps_moves_everything_alike_or_delays_once(
    guardrail: Guardrail, reading: Reading, flipped: float, tripped: float, jump: float
) -> None:
    shift = timedelta(seconds=round(jump))
    whole = [ago(round(flipped)), ago(round(tripped))]
    here = judge(guardrail, reading, AT, *whole)
    there = judge(guardrail, reading, AT + shift, *(at + shift for at in whole))
    assert here is there
    # However far it was set back, a trip that was due is not put off for longer than it lasts.
    late = AT + timedelta(seconds=max(guardrail.cool_down_s, guardrail.window_s))
    settled = judge(guardrail, reading, max(late, *whole) + (late - AT), *whole)
    assert settled is not Verdict.COOLING


@given(guardrails, st.lists(st.tuples(readings, st.integers(0, 600)), max_size=50))
def test_flapping_pauses_a_wave_at_most_once_a_cool_down(
    guardrail: Guardrail, story: list[tuple[Reading, int]]
) -> None:
    """Somebody brings the wave back after every trip, at once."""
    now, tripped_at, trips = AT, None, []
    for reading, wait_s in story:
        now += timedelta(seconds=wait_s)
        if judge(guardrail, reading, now, AT, tripped_at) is Verdict.TRIPPED:
            trips.append(now)
            tripped_at = now
    for earlier, later in pairwise(trips):
        assert (later - earlier).total_seconds() >= guardrail.cool_down_s
