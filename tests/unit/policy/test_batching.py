"""Batches are made where they gain throughput under the profile in force, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.batching import ENOUGH, GAIN_MIN, Load, batch_size, throughput_s

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
