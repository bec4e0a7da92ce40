"""What only a chaos run does is counted from events, journal and the ERPs' own counters."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests import hazards
from loadtests.audit import EVERY_HAZARD, Claims, audit, verdict
from loadtests.events import Apply, Event, EventLog, Events, Jump, Kill, Stop, Strain, read_events
from loadtests.findings import CHAOS, HAZARDS, Report
from loadtests.journal import Attempt
from tests.unit.loadtests.doctoring import good_run

FULL = Strain(what="memory", at=10.0, until=14.0)
EVENTS: list[Event] = [
    Kill(what="worker", at=1.0, in_flight=2),
    Kill(what="gateway", at=2.0),
    Kill(what="store", at=3.0),
    Kill(what="flip", at=4.0),
    Stop(what="worker", at=5.0, until=6.0),
    Stop(what="worker", at=7.0, until=12.0, in_flight=1, beyond_lease=True),
    Stop(what="gateway", at=7.0, until=8.0),
    Stop(what="store", at=7.0, until=8.0),
    Jump(at=9.0, by_s=-600.0),
    FULL,
    Strain(what="ledger", at=15.0, until=16.0),
    Apply(at_start=17.0, at_return=18.0, epoch=3, rules=(), kind="rollback"),
    Apply(at_start=19.0, at_return=None, epoch=4, rules=(), kind="rollback"),
]


def attempt(sent: float, status: int, lasted_s: float = 0.5) -> Attempt:
    return Attempt("r", 1, "order.intake", "webshop", "g", sent, sent + lasted_s, "", status)


def test_each_kind_of_event_is_counted_under_its_name() -> None:
    counters: hazards.Counters = {"legacy": {"resets": 2}, "cloud": {"resets": 1, "slow_drips": 4}}
    found = hazards.chaos(Events.of(EVENTS), [attempt(11.0, 503)], counters)
    assert set(found) == set(CHAOS)
    assert found == dict.fromkeys(CHAOS, 1) | {
        "workers_stopped": 2,
        "resets": 3,
        "slow_drips": 4,
        **dict.fromkeys(set(hazards.COUNTED) - {"resets", "slow_drips"}, 0),
    }


@pytest.mark.parametrize(
    ("sent", "status", "lasted_s", "counts"),
    [
        (11.0, 503, 0.5, 1),
        (11.0, 429, 0.5, 1),
        (11.0, 202, 0.5, 0),  # taken all the same
        (9.0, 503, 0.5, 0),  # before it was full
        (13.9, 503, 0.5, 0),  # perhaps refused for another reason by then
    ],
)
def test_a_refusal_counts_only_within_the_time_the_store_was_full(
    sent: float, status: int, lasted_s: float, counts: int
) -> None:
    events = Events.of([FULL])
    assert hazards.refusals_when_full(events, [attempt(sent, status, lasted_s)]) == counts


def test_events_are_read_back(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for event in EVENTS:
        log.append(event)
    assert read_events(tmp_path / "events.jsonl") == Events.of(EVENTS)


def test_every_hazard_is_a_figure_of_the_report_and_can_be_claimed() -> None:
    report = Report().as_json()
    assert set(EVERY_HAZARD) <= set(report)
    assert Claims.parse("chaos").hazards == set(HAZARDS) | set(CHAOS)
    assert Claims.parse("stores_killed,kills").hazards == {
        "stores_killed",
        "kills",
    }


def test_what_a_chaos_run_claims_and_did_not_do_fails_it() -> None:
    report = audit(good_run().evidence())
    assert verdict(report, Claims()).reasons == ()
    reasons = verdict(report, Claims.parse("clock_jumps")).reasons
    assert reasons == (f"no {CHAOS['clock_jumps']}: the run claims to survive what did not occur",)


def test_what_was_refused_or_never_answered_fails_only_a_run_that_allows_none() -> None:
    report = audit(good_run().evidence())
    report.rejected, report.unknown = 2, 1
    assert verdict(report, Claims()).reasons == ()
    strict = Claims(rejected_allowed=0, unknown_allowed=0)
    assert verdict(report, strict).reasons == (
        "2 refused for good (0 allowed)",
        "1 never answered (0 allowed)",
    )
