"""How long to wait: growth, the whole range of chance, caps, and never past final absence."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.backoff import PROBE_MAX_MS, RETRY_MAX_MS, probe_ms, retry_ms

#: How long a request can still arrive, in these tests: longer than any wait between probes.
FINAL_MS = 100_000


class Drawn(Random):
    """A chance that always comes out the same."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


#: The least and the most a chance can be: it never reaches 1.
LEAST, MOST = Drawn(0.0), Drawn(1 - 2**-53)


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [
        (0, 50, 200),
        (1, 100, 400),
        (2, 200, 800),
        (3, 400, 1_600),
        (6, 3_200, 12_800),
        (7, 6_400, 25_600),
        (8, 7_500, 30_000),
        (9, 7_500, 30_000),
        (10, 7_500, 30_000),
        (11, 7_500, 30_000),
        (10_000, 7_500, 30_000),
    ],
)
def test_a_retry_waits_twice_as_long_each_time_up_to_its_cap(
    attempts: int, least: int, most: int
) -> None:
    assert (retry_ms(attempts, LEAST), retry_ms(attempts, MOST)) == (least, most)


@pytest.mark.parametrize(
    ("open_ms", "least", "most"),
    [
        (0, 125, 250),
        (499, 125, 250),
        (500, 125, 250),
        (1_000, 250, 500),
        (8_000, 2_000, 4_000),
        (20_000, 5_000, 10_000),
        (20_001, 5_000, 10_000),
        (80_000, 5_000, 10_000),
    ],
)
def test_a_probe_waits_for_half_of_the_time_the_attempt_is_open_between_floor_and_cap(
    open_ms: int, least: int, most: int
) -> None:
    assert (probe_ms(open_ms, FINAL_MS, LEAST), probe_ms(open_ms, FINAL_MS, MOST)) == (least, most)


@pytest.mark.parametrize(
    ("open_ms", "least", "most"),
    [
        (90_000, 5_000, 10_000),  # the cap ends where absence becomes final
        (92_000, 5_000, 8_000),
        (96_000, 4_000, 4_000),
        (99_999, 1, 1),
        (100_000, 5_000, 10_000),  # final, but nobody could be asked: rarely from now on
        (9_000_000, 5_000, 10_000),
    ],
)
def test_a_probe_comes_at_the_latest_when_absence_becomes_final(
    open_ms: int, least: int, most: int
) -> None:
    assert (probe_ms(open_ms, FINAL_MS, LEAST), probe_ms(open_ms, FINAL_MS, MOST)) == (least, most)


@given(attempts=st.integers(0, 1 << 40), seed=st.integers())
def test_a_retry_is_never_at_once_and_never_later_than_its_cap(attempts: int, seed: int) -> None:
    wait = retry_ms(attempts, Random(seed))
    assert retry_ms(attempts, LEAST) <= wait <= retry_ms(attempts, MOST) <= RETRY_MAX_MS
    assert retry_ms(attempts, LEAST) <= retry_ms(attempts + 1, LEAST)


@given(open_ms=st.integers(0, 10_000_000), final_ms=st.integers(0, 10_000_000), seed=st.integers())
def test_no_probe_passes_final_absence_by(open_ms: int, final_ms: int, seed: int) -> None:
    wait = probe_ms(open_ms, final_ms, Random(seed))
    assert 1 <= wait <= PROBE_MAX_MS
    if open_ms < final_ms:
        assert open_ms + wait <= final_ms


@given(final_ms=st.integers(1, 3_600_000), seed=st.integers())
def test_probes_reach_final_absence_exactly_and_in_few_steps(final_ms: int, seed: int) -> None:
    """A quarter longer each time at least, then 5 s at least: an hour takes some 750 of them."""
    chance, open_ms, probes = Random(seed), 0, 0
    while open_ms < final_ms:
        open_ms += probe_ms(open_ms, final_ms, chance)
        probes += 1
    assert open_ms == final_ms
    assert probes <= 30 + final_ms / 5_000


def test_what_was_refused_in_one_instant_does_not_come_back_in_one(seed: int) -> None:
    """Spread evenly over three quarters of the step: a tenth of it gets a tenth, or so."""
    chance = Random(seed)
    waits = [retry_ms(5, chance) for _ in range(1_000)]
    tenths = [0] * 10
    for wait in waits:
        tenths[min(9, (wait - 1_600) * 10 // 4_800)] += 1
    assert sum(tenths) == 1_000
    assert min(tenths) > 50
    assert max(tenths) < 170
