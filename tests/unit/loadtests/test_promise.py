"""A run that asks for more than is promised says so; its doubles are no fault of the gateway."""

from __future__ import annotations

from loadtests.audit import Claims, audit, verdict
from loadtests.events import Events, Fault, Stop
from loadtests.promise import slowest_s
from tests.unit.loadtests.doctoring import good_run

EVENTS = Events.of(
    [
        Fault(erp="cloud", name="lagging_lookup", at=1.0, delay_ms=900),
        Fault(erp="cloud", name="latency", at=1.0, delay_ms=5000),  # counted where it took effect
        Stop(what="worker", at=3.0, until=6.5),
        Stop(what="gateway", at=3.0, until=60.0),  # it sends nothing
    ]
)


def test_effect_lag_and_a_worker_that_stood_still_add_up() -> None:
    assert (
        slowest_s(EVENTS, {"cloud": {"slowest_effect_ms": 2100}, "legacy": {}}) == 2.1 + 0.9 + 3.5
    )


def test_a_run_without_figures_asked_for_nothing() -> None:
    assert slowest_s(Events(), {}) == 0.0


def test_a_run_that_asked_for_more_than_is_promised_fails_for_that_reason() -> None:
    report = audit(good_run().evidence())
    report.slowest_s = 8.0
    claims = Claims(hazards=frozenset(), absent_final_s=7.5)
    (reason,) = verdict(report, claims).reasons
    assert reason.startswith("the run asked for more than is promised: ")
    report.slowest_s = 7.5
    assert verdict(report, claims).reasons == ()
    report.slowest_s = 100.0
    assert verdict(report, Claims(hazards=frozenset())).reasons == ()
