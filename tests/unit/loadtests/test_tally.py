"""The short report: counts, percentiles, and an exit code that tells refusal from fault."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from loadtests.answers import Outcome
from loadtests.journal import State
from loadtests.messages import Request, read
from loadtests.sender import Conclusion
from loadtests.tally import ERRORS_SHOWN, Summary, Tally, percentile

REQUEST = Request("r", "order.intake", "webshop", "POST", "/v1/orders")


def conclusion(
    state: State = "accepted", latency_ms: float | None = 5.0, **more: object
) -> Conclusion:
    replayed = bool(more.get("replayed"))
    error = str(more.get("error", ""))
    return Conclusion(REQUEST, state, (Outcome(state, "t", replayed),), latency_ms, 2, error)


def summary(*conclusions: Conclusion, faults: list[str] | None = None) -> Summary:
    tally = Tally()
    for one in conclusions:
        tally.add(one)
    return tally.summary(7, "small", 2.5, faults or [])


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 50.0), (99, 99.0), (100, 100.0), (0.5, 1.0), (1.5, 2.0)]
)
def test_percentiles_by_nearest_rank(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value


def test_percentiles_of_little() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([4.0], 1) == percentile([4.0], 99) == 4.0


def test_figures_by_process_and_in_total() -> None:
    look = Conclusion(read("s", "catalog.price", "webshop", "/"), "answered", (), 1.0, 1)
    content = summary(conclusion(), conclusion(latency_ms=15.0, replayed=True), look).as_json()
    assert content["by_process"]["order.intake"] == {
        "requests": 2, "attempts": 4, "rejected": 0, "unknown": 0,
        "p50_ms": 5.0, "p99_ms": 15.0, "max_ms": 15.0,
    }  # fmt: skip
    assert (content["requests"], content["attempts"], content["p50_ms"]) == (3, 5, 5.0)
    assert (content["replayed"], content["seed"], content["scenario"]) == (1, 7, "small")
    assert json.loads(json.dumps(content)) == content


def test_exit_codes() -> None:
    assert summary(conclusion()).exit_code == 0
    assert summary(conclusion(), conclusion("rejected", error="422")).exit_code == 1
    assert summary(conclusion("unknown", None)).exit_code == 1
    assert summary(conclusion(), faults=["1 x KeyError"]).exit_code == 3


def test_what_never_was_answered_has_no_latency() -> None:
    row = summary(conclusion("unknown", None), conclusion()).rows["total"]
    assert (row["requests"], row["unknown"], row["max_ms"]) == (2, 1, 5.0)
    assert summary().rows["total"]["p99_ms"] == 0.0


def test_the_most_frequent_errors_are_shown() -> None:
    many = [conclusion("rejected", error=f"42{n} [no]") for n in range(20) for _ in range(n + 1)]
    made = summary(*many, faults=["2 x KeyError: 'sku'"])
    assert len(made.errors) == ERRORS_SHOWN
    assert next(iter(made.errors.items())) == ("order.intake: 4219 [no]", 20)
    console = Console(file=io.StringIO(), width=120, record=True)
    made.show(console)
    shown = console.export_text()
    assert "20 x order.intake: 4219 [no]" in shown
    assert "driver at fault: 2 x KeyError: 'sku'" in shown
