"""Batches are made where they gain throughput under the profile in force, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.exchange import (
    Adaptive,
    Batching,
    Lease,
    Limits,
    Shares,
    Taken,
    Traffic,
    Window,
)
from gateway.canonical.process import Target
from gateway.policy.batching import (
    ENOUGH,
    GAIN_MIN,
    Load,
    Plan,
    batch_size,
    calls,
    plan,
    throughput_s,
    together,
)
from gateway.settings.quota import QuotaSettings

#: Business Central: 6000 calls in 5 minutes, 5 at once; 40 ms of a call are not the ERP's work.
BC = Load(rate_s=20, places=5, counts_inner=True, overhead_ms=40, work_ms=200, request_ms=60_000)


def test_rate_bound_and_operations_count_one_by_one_gains_nothing() -> None:
    assert throughput_s(BC, 1) == throughput_s(BC, 100) == 20
    assert batch_size(BC, 100) == 1


def test_rate_bound_and_a_batch_counts_as_one_call_gains() -> None:
    free = replace(BC, counts_inner=False)
    size = batch_size(free, 100)
    assert size > 1
    assert throughput_s(free, size) > 20


def test_bound_by_places_the_overhead_is_paid_once() -> None:
    slow = replace(BC, rate_s=1000, overhead_ms=300, work_ms=100)
    assert throughput_s(slow, 1) == pytest.approx(12.5)
    size = batch_size(slow, 100)
    assert size > 1
    assert throughput_s(slow, size) > 40


def test_bound_by_places_without_overhead_gains_nothing() -> None:
    assert batch_size(replace(BC, rate_s=1000, overhead_ms=5, work_ms=500), 100) == 1


def test_a_batch_ends_well_within_its_deadline() -> None:
    free = replace(BC, counts_inner=False, rate_s=0.1, request_ms=2_000)
    assert batch_size(free, 100) == 4  # (1000 - 40) / 200
    assert batch_size(replace(free, request_ms=500), 100) == 1


@given(
    st.builds(
        Load,
        rate_s=st.floats(0.01, 10_000),
        places=st.integers(1, 100),
        counts_inner=st.booleans(),
        overhead_ms=st.floats(0, 1_000),
        work_ms=st.floats(0, 5_000),
        request_ms=st.integers(100, 60_000),
    ),
    st.integers(0, 100),
)
def test_laws(load: Load, size_max: int) -> None:
    size = batch_size(load, size_max)
    assert 1 <= size <= max(1, size_max)
    if size > 1:
        assert throughput_s(load, size) >= throughput_s(load, 1) * GAIN_MIN * ENOUGH
        if load.counts_inner:
            assert throughput_s(load, size) <= load.rate_s


# ------------------------------------------------------------------ the plan of a profile

LIMITS = Limits(
    places=5, windows=(Window(6000, 300_000),), call_ms_max=120_000, shares=Shares(read=0.05),
    batching=Batching(100, counts_inner=False),
)  # fmt: skip


def test_the_published_profile_makes_no_batches_until_somebody_has_asked_or_measured() -> None:
    limits = QuotaSettings().limits("business-central", 120_000)
    assert plan(limits, 60_000).documents_max == 1
    asked = QuotaSettings.model_validate({"batch": {"counts_inner": False}})
    assert plan(asked.limits("business-central", 120_000), 60_000).documents_max > 1


def test_without_windows_and_measured_times_nothing_is_known_to_gain() -> None:
    assert plan(replace(LIMITS, windows=()), 60_000) == Plan()
    assert plan(replace(LIMITS, adaptive=Adaptive()), 60_000) == Plan()


def test_a_batch_whose_operations_count_takes_a_small_part_of_each_window() -> None:
    slow = Batching(100, counts_inner=True, overhead_ms=900, work_ms=100)
    made = plan(replace(LIMITS, windows=(Window(200, 1000),), batching=slow), 60_000)
    assert 1 < made.documents_max <= 18  # a tenth of 190, less the batch itself
    assert made.units(made.documents_max) == made.documents_max + 1
    assert made.units(1) == 1
    assert Plan(9, counts_inner=False).units(9) == 1


def test_calls_are_asked_for_the_most_urgent_first() -> None:
    want = {Traffic.CRITICAL: 1, Traffic.HIGH: 11, Traffic.NORMAL: 50, Traffic.LOW: 0}
    assert list(calls(want, 5, 6).values()) == [1, 3, 2, 0]


# ------------------------------------------------------------------ what goes together


def taken(name: str, *, takes: int = 1, open_ms: int | None = None, length: int = 10) -> Taken:
    payload = b"x" * length
    return Taken(Lease(0, 1), name, name, Target.CLOUD, takes, 0, open_ms, payload)


def names(groups: list[list[Taken]]) -> list[str]:
    return ["".join(it.transaction_id for it in group) for group in groups]


def test_what_goes_together_is_of_one_class_and_one_kind_of_call() -> None:
    rows = [(1, taken("a")), (1, taken("b", open_ms=5)), (2, taken("c")), (1, taken("d"))]
    assert names(together(rows, 10)) == ["ad", "b", "c"]


def test_count_and_bytes_are_bounded() -> None:
    rows = [(1, taken(name)) for name in "abcde"]
    assert names(together(rows, 2)) == ["ab", "cd", "e"]
    assert names(together(rows, 9, bytes_max=30)) == ["abc", "de"]
    assert names(together([(1, taken("z", length=99)), *rows], 9, bytes_max=30)) == [
        "z", "abc", "de",
    ]  # fmt: skip


def test_what_had_no_outcome_before_goes_alone() -> None:
    rows = [(1, taken("a")), (1, taken("b", takes=2)), (1, taken("c"))]
    assert names(together(rows, 9)) == ["ac", "b"]
