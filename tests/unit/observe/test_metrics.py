from __future__ import annotations

import pytest

from gateway.canonical.exchange import QuotaUse
from gateway.errors import LedgerUnavailable
from gateway.observe.metrics import Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_requests_are_counted_and_timed_by_method_route_and_status() -> None:
    metrics = Metrics()
    for status, seconds in ((202, 0.004), (202, 0.25), (422, 0.001)):
        metrics.answered("POST", "/v1/orders", status, seconds)
    labels = {"method": "POST", "route": "/v1/orders", "status": "202"}
    assert value(metrics, "coexist_http_request_seconds_count", **labels) == 2
    assert value(metrics, "coexist_http_request_seconds_bucket", **labels, le="0.005") == 1
    assert value(metrics, "coexist_http_request_seconds_sum", **labels) == pytest.approx(0.254)


def test_methods_a_caller_makes_up_share_one_series() -> None:
    metrics = Metrics()
    for method in ("BREW", "FOO", "BAR"):
        metrics.answered(method, "-", 405, 0.001)
    labels = {"method": "other", "route": "-", "status": "405"}
    assert value(metrics, "coexist_http_request_seconds_count", **labels) == 3


def test_calls_troubles_backlog_and_quotas_have_their_series() -> None:
    metrics = Metrics()
    metrics.called("cloud", "send", "order.intake", "booked", 0.3)
    metrics.trouble("project", LedgerUnavailable("down"))
    metrics.backlog({"legacy": 3, "held": 1})
    metrics.backlog({"legacy": 2, "held": 0})
    metrics.quota("cloud", QuotaUse(in_flight=4, in_window=5900, closed_ms=1500))
    labels = {"erp": "cloud", "call": "send", "process": "order.intake", "outcome": "booked"}
    assert value(metrics, "coexist_erp_call_seconds_count", **labels) == 1
    labels = {"where": "project", "error": "LedgerUnavailable"}
    assert value(metrics, "coexist_troubles_total", **labels) == 1
    assert value(metrics, "coexist_backlog", what="legacy") == 2
    assert value(metrics, "coexist_backlog", what="held") == 0
    assert value(metrics, "coexist_erp_quota", erp="cloud", reading="closed_s") == 1.5
    assert value(metrics, "coexist_erp_quota", erp="cloud", reading="in_window") == 5900


def test_two_processes_in_one_interpreter_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.backlog({"legacy": 1})
    assert b'coexist_backlog{what="legacy"} 1.0' in one.exposition()
    assert b"coexist_backlog{" not in other.exposition()
