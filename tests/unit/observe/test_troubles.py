"""What failed while nobody waited: told once while it lasts, and with its traceback if a bug."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import LedgerUnavailable, RulesUnavailable
from gateway.observe.observer import AGAIN_S, ProcessObserver

NONE = RulesUnavailable("no routing rules are in force yet; run `coexist rules apply`")


class Time:
    now_s = 1000.0


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> ProcessObserver:
    monkeypatch.setattr(Time, "now_s", 1000.0)
    return ProcessObserver(lambda: Time.now_s)


def told(observer: ProcessObserver, *troubles: tuple[str, Exception]) -> list[Any]:
    with capture_logs() as lines:
        for where, error in troubles:
            observer.trouble(where, error)
    return lines


def test_what_was_foreseen_says_itself_what_it_is(observer: ProcessObserver) -> None:
    assert told(observer, ("rules", NONE)) == [
        {"event": "trouble", "log_level": "error", "where": "rules", "error": str(NONE)}
    ]


def test_while_it_lasts_it_is_told_once_a_minute_and_counted_each_time(
    observer: ProcessObserver,
) -> None:
    assert len(told(observer, *[("rules", NONE)] * 100)) == 1
    Time.now_s += AGAIN_S - 1
    assert told(observer, ("rules", NONE)) == []
    Time.now_s += 1
    assert len(told(observer, ("rules", NONE), ("rules", NONE))) == 1
    (count,) = [
        sample.value
        for family in observer.registry.collect()
        for sample in family.samples
        if sample.name == "coexist_troubles_total"
    ]
    assert count == 103


def test_another_trouble_or_place_is_news(observer: ProcessObserver) -> None:
    down = LedgerUnavailable("ledger: it is down")
    assert len(told(observer, ("rules", NONE), ("project", NONE), ("rules", down))) == 3


def test_a_bug_is_told_each_time_with_how_it_came_about(observer: ProcessObserver) -> None:
    bug = ZeroDivisionError("division by zero")
    lines = told(observer, ("project", bug), ("project", bug))
    assert [it["exc_info"] for it in lines] == [bug, bug]
