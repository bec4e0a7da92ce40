from __future__ import annotations

import pytest

from simulators.faults import KINDS, FaultError, Faults
from tests.unit.simulators.drivers import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def faults(clock: HandClock) -> Faults:
    return Faults(clock, seed=7)


def test_nothing_happens_before_a_fault_is_switched_on(faults: Faults) -> None:
    assert all(faults.fires(name) is None for name in KINDS)


def test_a_fault_ends_when_its_count_is_used_up(faults: Faults) -> None:
    faults.switch_on("lost_reply", {"count": 2})
    assert [faults.fires("lost_reply") is not None for _ in range(4)] == [True, True, False, False]
    assert faults.as_json() == {}


def test_a_fault_ends_when_its_time_is_over(faults: Faults, clock: HandClock) -> None:
    faults.switch_on("outage", {"duration_s": 10})
    clock.at_s += 9.99
    assert faults.fires("outage") is not None
    clock.at_s += 0.01
    assert faults.fires("outage") is None
    assert faults.as_json() == {}


def test_a_fault_without_bounds_still_ends(faults: Faults, clock: HandClock) -> None:
    faults.switch_on("latency", {})
    clock.at_s += 301
    assert faults.fires("latency") is None


def test_probability_is_met_and_seeded(clock: HandClock) -> None:
    def draws(seed: int) -> list[bool]:
        faults = Faults(clock, seed)
        faults.switch_on("throttle", {"probability": 0.2})
        return [faults.fires("throttle") is not None for _ in range(2000)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert 340 <= sum(draws(1)) <= 460  # 2000 * 0.2, four standard deviations of 18 either way


def test_faults_do_not_disturb_each_other(clock: HandClock) -> None:
    alone, crowded = Faults(clock, 3), Faults(clock, 3)
    for faults in (alone, crowded):
        faults.switch_on("lost_reply", {"probability": 0.5})
    crowded.switch_on("latency", {"probability": 0.5})
    seen = []
    for _ in range(50):
        crowded.fires("latency")
        seen.append((alone.fires("lost_reply") is None) == (crowded.fires("lost_reply") is None))
    assert all(seen)


def test_never_and_always(faults: Faults) -> None:
    faults.switch_on("latency", {"probability": 0})
    assert not any(faults.fires("latency") for _ in range(100))
    faults.switch_on("latency", {"probability": 1})
    assert all(faults.fires("latency") for _ in range(100))


def test_what_is_on_can_be_read(faults: Faults, clock: HandClock) -> None:
    faults.switch_on("late_booking", {"count": 3, "delay_ms": 700, "duration_s": 20})
    faults.fires("late_booking")
    clock.at_s += 5
    assert faults.as_json() == {
        "late_booking": {
            "probability": 1,
            "delay_ms": 700,
            "mode": "abort",
            "duration_s": 20,
            "remaining_s": 15.0,
            "remaining_count": 2,
            "fired": 1,
        }
    }


def test_switching_off_heals_one_or_all(faults: Faults) -> None:
    faults.switch_on("latency", {})
    faults.switch_on("outage", {})
    faults.switch_off("latency")
    faults.switch_off("latency")
    assert set(faults.as_json()) == {"outage"}
    faults.switch_all_off()
    assert faults.as_json() == {}


@pytest.mark.parametrize(
    ("name", "parameters", "complaint"),
    [
        ("lost_replies", {}, "no fault 'lost_replies'; there are lost_reply, late_booking"),
        ("latency", {"ms": 1}, "has no parameter 'ms'; it takes probability, duration_s, count"),
        ("latency", {"mode": "hang"}, "fault 'latency' has no parameter 'mode'"),
        ("outage", {"mode": "hang"}, "mode is 'hang', it must be abort or 503"),
        ("latency", {"probability": 1.5}, "probability is 1.5, it must be a number from 0 to 1"),
        ("latency", {"probability": True}, "probability is True"),
        ("latency", {"probability": "1"}, "probability is '1'"),
        ("latency", {"probability": None}, "probability is None"),
        ("latency", {"count": 0}, "count is 0, it must be a whole number from 1 to 1e+06"),
        ("latency", {"count": 1.5}, "count is 1.5"),
        ("latency", {"duration_s": 3601}, "duration_s is 3601"),
        ("latency", {"duration_s": float("nan")}, "duration_s is nan"),
        ("latency", {"delay_ms": -1}, "delay_ms is -1"),
    ],
)
def test_a_wrong_fault_is_named_and_changes_nothing(
    faults: Faults, name: str, parameters: dict[str, object], complaint: str
) -> None:
    with pytest.raises(FaultError) as caught:
        faults.switch_on(name, parameters)
    assert complaint in str(caught.value)
    assert faults.as_json() == {}


def test_only_faults_there_are_can_be_switched_off(faults: Faults) -> None:
    with pytest.raises(FaultError, match="no fault 'gremlin'"):
        faults.switch_off("gremlin")
