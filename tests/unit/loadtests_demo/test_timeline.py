"""The timeline is a function of duration and seed, tells one story, and names faults that exist."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from loadtests.demo.folder import ABSENT_FINAL_S, REQUEST_S
from loadtests.demo.timeline import (
    LAG_MS,
    LATE_MS,
    RULES_WAVE_1,
    RULES_WAVE_2,
    SHIFT,
    Compare,
    Fault,
    Flip,
    KillGateway,
    KillWorker,
    Rollback,
    Schedule,
    Step,
    timeline,
)
from simulators.faults import Faults


class Noon:
    def monotonic_s(self) -> float:
        return 12.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(steps: list[Step], action: object) -> float:
    return next(step.at_s for step in steps if step.action == action)


def test_the_same_seed_gives_the_same_steps(seed: int) -> None:
    assert timeline(90, seed) == timeline(90, seed)


def test_another_seed_shifts_the_steps(seed: int) -> None:
    assert timeline(90, seed) != timeline(90, seed + 1)


@pytest.mark.parametrize("duration_s", [30.0, 90.0, 600.0])
def test_the_story_keeps_its_order_and_fits_into_the_traffic(seed: int, duration_s: float) -> None:
    steps = timeline(duration_s, seed)
    kill_worker = next(step for step in steps if isinstance(step.action, KillWorker))
    kill_gateway = next(step for step in steps if isinstance(step.action, KillGateway))
    wave_1, wave_2 = at(steps, Flip(RULES_WAVE_1, scheduled=True)), at(steps, Flip(RULES_WAVE_2))
    schedule = next(step for step in steps if isinstance(step.action, Schedule))
    assert schedule.at_s < at(steps, Compare()) < wave_1
    assert schedule.action == Schedule(RULES_WAVE_1, wave_1)
    back = at(steps, Rollback(RULES_WAVE_1))
    cloud = [
        step.at_s for step in steps if isinstance(step.action, Fault) and step.action.erp == "cloud"
    ]
    assert steps == sorted(steps, key=lambda step: step.at_s)
    assert 0 < wave_1 < wave_2 < min(cloud)
    assert max(cloud) < kill_worker.at_s + 2 * SHIFT * duration_s
    assert kill_worker.at_s < kill_gateway.at_s < back < duration_s


def test_every_fault_of_the_cloud_erp_occurs_and_legacy_loses_replies_too(seed: int) -> None:
    faults = {
        (step.action.erp, step.action.name)
        for step in timeline(90, seed)
        if isinstance(step.action, Fault)
    }
    wanted = {"lost_reply", "late_booking", "lagging_lookup", "throttle", "outage", "latency"}
    assert {name for erp, name in faults if erp == "cloud"} == wanted
    assert ("legacy", "lost_reply") in faults


@pytest.mark.parametrize("duration_s", [20.0, 90.0, 3600.0])
def test_the_simulators_know_every_fault_and_parameter(duration_s: float) -> None:
    for step in timeline(duration_s, 7):
        if isinstance(step.action, Fault):
            fault = step.action
            parameters = {"duration_s": fault.duration_s, **fault.parameters}
            switched_on = Faults(Noon(), 1).switch_on(fault.name, parameters)
            assert switched_on.duration_s == fault.duration_s


def test_absence_is_believed_only_after_the_latest_booking_can_be_found() -> None:
    hung_behind_others_s = 2 * LATE_MS / 1000
    assert hung_behind_others_s + LAG_MS / 1000 < ABSENT_FINAL_S
    assert LATE_MS / 1000 > REQUEST_S, "a late booking comes after the caller gave up"


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_killed_exists(seed: int) -> None:
    for step in timeline(60, seed, workers=3, gateways=2):
        if isinstance(step.action, KillWorker):
            assert step.action.which in range(3)
        if isinstance(step.action, KillGateway):
            assert step.action.which in range(2)
