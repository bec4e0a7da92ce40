"""The schedule is a function of the seed, meets every kind, and stays within what is promised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.findings import CHAOS, HAZARDS
from simulators.clock import SystemClock
from simulators.faults import Faults
from tests.chaos import schedule as plans
from tests.chaos.schedule import (
    ABSENT_FINAL_S,
    KINDS,
    LAG_MS,
    LATE_MS,
    LEASE_S,
    RULES,
    RULES_FIRST,
    SHORT_RUNS,
    SLOW_MS,
    STOP_S_MAX,
    Fault,
    Flip,
    Jump,
    Kill,
    Stop,
)

SEEDS = st.integers(0, 2**32 - 1)
#: From one deal of every kind to ten minutes.
DURATIONS = st.floats(plans.deal_s(), 600)


@given(SEEDS, DURATIONS)
def test_the_same_seed_gives_the_same_steps(seed: int, duration_s: float) -> None:
    assert plans.schedule(duration_s, seed) == plans.schedule(duration_s, seed)
    assert plans.short(seed) == plans.short(seed)
    assert plans.schedule(duration_s, seed) != plans.schedule(duration_s, seed + 1)


@given(SEEDS, DURATIONS)
def test_a_long_run_meets_every_kind_within_its_time(seed: int, duration_s: float) -> None:
    steps = plans.schedule(duration_s, seed)
    assert {step.kind for step in steps} == set(KINDS)
    assert plans.claims(steps, whole=False) == set(KINDS.values()) - plans.OF_THE_MOMENT
    assert set(KINDS.values()) <= plans.claims(steps, whole=True)
    times = [step.at_s for step in steps]
    assert times == sorted(times)
    assert times[0] >= plans.QUIET_S
    assert times[-1] <= duration_s


@given(SEEDS)
def test_the_short_runs_of_a_few_seeds_in_a_row_meet_every_kind(seed: int) -> None:
    runs = [plans.short(seed + n) for n in range(SHORT_RUNS)]
    assert {step.kind for steps in runs for step in steps} == set(KINDS)
    assert all(plans.duration_s(steps) < 40 for steps in runs)


def test_every_kind_is_to_bring_about_a_hazard_that_is_counted() -> None:
    assert set(KINDS.values()) <= set(HAZARDS) | set(CHAOS)
    # What is a matter of the moment: a process is hit amid a send by luck, tried for.
    assert set(CHAOS) - set(KINDS.values()) == {"stopped_with_work_in_flight"}


@given(SEEDS, DURATIONS)
def test_nothing_asks_for_more_than_is_promised(seed: int, duration_s: float) -> None:
    longest: dict[str, float] = {}
    for step in plans.schedule(duration_s, seed):
        match step.action:
            case Stop("worker", _, for_s):
                longest["stop"] = max(longest.get("stop", 0), for_s)
            case Fault(erp=_, name=name, parameters=parameters):
                delay_s = parameters.get("delay_ms", 0) / 1000
                longest[name] = max(longest.get(name, 0), delay_s)
            case _:
                continue
    late_s = longest["late_booking"]
    asked_s = LEASE_S + longest["stop"] + 2 * late_s + longest["latency"]
    assert asked_s + longest["lagging_lookup"] < ABSENT_FINAL_S
    assert longest["stop"] <= STOP_S_MAX
    assert late_s <= LATE_MS / 1000
    assert longest["latency"] <= SLOW_MS / 1000
    assert longest["lagging_lookup"] <= LAG_MS / 1000


@given(SEEDS, DURATIONS)
def test_flips_change_something_and_rollbacks_go_back_to_what_was(
    seed: int, duration_s: float
) -> None:
    rules = [RULES_FIRST]
    for step in plans.schedule(duration_s, seed):
        if not isinstance(step.action, Flip):
            continue
        flip = step.action
        assert flip.rules in RULES
        if flip.rollback:
            rules.pop()
            assert rules[-1] == flip.rules
            assert not flip.back
        else:
            assert flip.rules != rules[-1]
            rules += [] if flip.back else [flip.rules]


@given(SEEDS)
def test_a_simulator_takes_every_fault(seed: int) -> None:
    faults = Faults(SystemClock(), seed)
    for step in plans.schedule(300, seed):
        if isinstance(step.action, Fault):
            parameters: dict[str, Any] = {"duration_s": step.action.for_s}
            faults.switch_on(step.action.name, parameters | dict(step.action.parameters))


@pytest.mark.parametrize("kind", [Kill, Stop, Jump])
def test_processes_are_hit_in_turn(kind: type[Kill | Stop | Jump]) -> None:
    actions = [step.action for step in plans.schedule(600, 1)]
    assert len({one.which for one in actions if isinstance(one, kind)}) > 1
