"""Back-pressure: the least urgent first, honest about when, and never for good."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange import Backlog
from gateway.canonical.process import Priority
from gateway.policy.pressure import RETRY_S_MAX, STUCK_S, DrainRate, Marks, Refusal, refusals

MARKS = Marks(messages_max=1000, events_max=2000, memory_share_max=0.5, age_s_max=100)


def refused(backlog: Backlog, per_s: float = 10) -> dict[str, tuple[str, int]]:
    found = zip(Priority, refusals(backlog, MARKS, per_s), strict=True)
    return {it.name.lower(): (why.mark, why.retry_after_s) for it, why in found if why}


@pytest.mark.parametrize(
    ("waiting", "names"),
    [
        (0, []),
        (699, []),
        (700, ["low"]),
        (800, ["normal", "low"]),
        (900, ["high", "normal", "low"]),
        (1000, ["critical", "high", "normal", "low"]),
    ],
)
def test_classes_are_refused_one_by_one_the_least_urgent_first(
    waiting: int, names: list[str]
) -> None:
    assert list(refused(Backlog(waiting=(0, waiting, 0, 0)))) == names


def test_retry_after_is_what_has_to_drain_at_the_rate_of_the_last_minute() -> None:
    backlog = Backlog(waiting=(0, 0, 0, 900))
    assert refused(backlog)["low"] == ("messages", 20)
    assert refused(backlog)["normal"] == ("messages", 10)
    assert refused(backlog)["high"] == ("messages", 1)
    assert refused(backlog, 0)["low"] == ("messages", STUCK_S)
    assert refused(backlog, 0.001)["low"] == ("messages", RETRY_S_MAX)


def test_a_ledger_that_is_away_fills_the_mark_of_events() -> None:
    assert refused(Backlog(events=1399)) == {}
    assert refused(Backlog(events=1400)) == {"low": ("events", STUCK_S)}


def test_memory_counts_as_a_share_of_what_the_store_may_use() -> None:
    some = {"waiting": (0, 10, 0, 0), "memory_max_bytes": 1000}
    assert refused(Backlog(memory_bytes=349, **some)) == {}  # type: ignore[arg-type]
    assert list(refused(Backlog(memory_bytes=450, **some))) == ["high", "normal", "low"]  # type: ignore[arg-type]
    assert refused(Backlog(memory_bytes=10**12)) == {}, "a store without a limit"


def test_memory_may_have_a_mark_in_bytes_and_the_lower_one_counts() -> None:
    """Ten messages of 100 bytes wait; what is above the mark has to drain, at two a second."""
    here = Backlog(waiting=(0, 10, 0, 0), memory_bytes=1000, memory_max_bytes=10_000)
    marks = Marks(memory_bytes_max=1000)
    critical, high, normal, low = refusals(here, marks, 2.0)
    assert (critical, high, normal, low) == (
        Refusal("memory", 1), Refusal("memory", 1), Refusal("memory", 1), Refusal("memory", 2),
    )  # fmt: skip
    assert refusals(here, marks, 0.0)[Priority.LOW] == Refusal("memory", STUCK_S)
    assert not any(refusals(here, Marks(memory_bytes_max=1500), 2.0))


def test_a_class_whose_work_is_too_old_is_refused_alone() -> None:
    backlog = Backlog(waiting=(0, 0, 50, 0), oldest_ms=(0, 0, 100_000, 0))
    assert refused(backlog) == {"normal": ("age", 5)}


def test_an_hour_without_an_erp_at_peak_is_below_the_default_marks() -> None:
    """Black Friday of the load tests: 100 orders a second, an hour long, nothing drains."""
    waiting = 100 * 3600
    backlog = Backlog(waiting=(0, waiting, 0, 0), events=waiting, oldest_ms=(0, 3_600_000, 0, 0))
    assert not any(refusals(backlog, Marks(), 0.0))


def test_an_hour_without_the_ledger_at_peak_is_below_the_default_marks() -> None:
    """100 orders a second, accepted, sent and booked: three events each."""
    assert not any(refusals(Backlog(events=100 * 3600 * 3), Marks(), 100.0))


def test_the_rate_follows_what_is_booked() -> None:
    rate = DrainRate()
    assert rate.seen(0, 0) == 0
    for second in range(1, 200):
        rate.seen(second, second * 50)
    assert rate.per_s == pytest.approx(50)
    for second in range(200, 600):
        rate.seen(second, 199 * 50)
    assert rate.per_s == 0, "an ERP that is away drains nothing"
    assert rate.seen(600, 0) == 0, "a restored store counts from less"
