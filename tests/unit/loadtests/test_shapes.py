"""Curves and arrivals: as many requests as asked for, where the curve says, by seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from loadtests.shapes import Constant, Peak, Ramp, Shape, arrivals

FLAT = Constant(kind="constant")
RAMP = Ramp(kind="ramp", start=0.2, over=0.5)
PEAK = Peak(kind="peak", base=0.2, at=0.6, width=0.1)


def due(shape: Shape, seed: int, rate_per_s: float = 50, duration_s: float = 100) -> list[float]:
    return list(arrivals(shape, rate_per_s, duration_s, Random(seed)))


@pytest.mark.parametrize(
    ("shape", "progress", "share"),
    [
        (FLAT, 0.0, 1.0),
        (FLAT, 1.0, 1.0),
        (RAMP, 0.0, 0.2),
        (RAMP, 0.25, 0.6),
        (RAMP, 0.5, 1.0),
        (RAMP, 0.9, 1.0),
        (PEAK, 0.6, 1.0),
        (PEAK, 0.7, 0.2 + 0.8 * 0.6065),
        (PEAK, 0.0, 0.2),
    ],
)
def test_curves(shape: Shape, progress: float, share: float) -> None:
    assert shape.share(progress) == pytest.approx(share, abs=1e-4)


def test_a_run_may_go_on_as_its_curve_ends(seed: int) -> None:
    longer = list(arrivals(RAMP, 50, 100, Random(seed), until_s=150))
    assert longer[: len(due(RAMP, seed))] == due(RAMP, seed)
    after = [at for at in longer if at >= 100]
    assert len(after) == pytest.approx(50 * 50, rel=0.1)
    assert max(after) < 150


@pytest.mark.parametrize(("shape", "mean"), [(FLAT, 1.0), (RAMP, 0.8), (PEAK, 0.4)])
def test_the_run_has_as_many_arrivals_as_its_curve_holds(
    shape: Shape, mean: float, seed: int
) -> None:
    # 5000 x mean expected; six standard deviations of a Poisson count are below a tenth of it.
    expected = 5000 * mean
    assert abs(len(due(shape, seed)) - expected) < 6 * expected**0.5


def test_arrivals_come_in_order_within_the_run(seed: int) -> None:
    times = due(PEAK, seed)
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < 100


def test_a_peak_is_where_it_was_asked_for(seed: int) -> None:
    tenths = Counter(int(at // 10) for at in due(PEAK, seed))
    assert {tenth for tenth, _ in tenths.most_common(2)} == {5, 6}
    assert tenths[5] > 2.5 * tenths[0]


def test_gaps_are_those_of_independent_customers(seed: int) -> None:
    times = due(FLAT, seed)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.15)  # a fixed pace would have none


def test_the_same_seed_gives_the_same_times(seed: int) -> None:
    assert due(RAMP, seed) == due(RAMP, seed)
    assert due(RAMP, seed) != due(RAMP, seed + 1)


def test_no_rate_no_arrivals(seed: int) -> None:
    assert due(FLAT, seed, rate_per_s=0) == []
