"""The figures of one process, in a registry of its own, for Prometheus.

Names and labels are an interface that dashboards stand on: they change like the API does. No label
has values a caller can invent: routes are templates, methods and statuses are few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.canonical.exchange import Backlog, QuotaUse
from gateway.canonical.exchange.drifting import Surprise
from gateway.canonical.process import Priority

#: Upper bounds (seconds): an accept takes milliseconds, a call to an ERP up to its deadline.
BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})


class Metrics:
    """Counts of requests, of calls to ERPs and of troubles; readings of backlog and quotas."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "coexist_http_request_seconds",
            "Answered requests and how long they took.",
            ("method", "route", "status"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._calls = Histogram(
            "coexist_erp_call_seconds",
            "Calls to ERPs and how long they took.",
            ("erp", "call", "process", "outcome"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._drift = Counter(
            "coexist_channel_drift",
            "What channels sent that nobody announced: fields, nulls, values.",
            ("channel", "kind"),
            registry=self.registry,
        )
        self._troubles = Counter(
            "coexist_troubles",
            "Failures that nobody was waiting for.",
            ("where", "error"),
            registry=self.registry,
        )
        self._doubles = Counter(
            "coexist_booked_twice",
            "Transactions that reconciliation found booked more than once.",
            ("erp",),
            registry=self.registry,
        )
        self._misconfigured = Gauge(
            "coexist_erp_misconfigured",
            "1 while an ERP answers that address, tenant or credentials are wrong.",
            ("erp",),
            registry=self.registry,
        )
        self._backlog = Gauge(
            "coexist_backlog", "What waits in the buffer.", ("what",), registry=self.registry
        )
        self._waiting = Gauge(
            "coexist_messages_waiting",
            "Accepted and not booked, by class of delivery.",
            ("priority",),
            registry=self.registry,
        )
        self._oldest = Gauge(
            "coexist_oldest_waiting_seconds",
            "How long the longest waiting object of a class could have been taken.",
            ("priority",),
            registry=self.registry,
        )
        self._refused = Gauge(
            "coexist_refused",
            "1 while a class is refused above a high-water mark.",
            ("priority",),
            registry=self.registry,
        )
        self._quota = Gauge(
            "coexist_erp_quota",
            "Calls in flight, calls in the window, and seconds the ERP stays closed.",
            ("erp", "reading"),
            registry=self.registry,
        )
        # `labels()` checks and joins its arguments each time; a request has few combinations.
        self._answered: dict[tuple[str, str, int], Histogram] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` is the template of its path."""
        key = (method, route, status)
        child = self._answered.get(key)
        if child is None:
            known = method if method in _METHODS else "other"
            child = self._requests.labels(known, route, str(status))
            if known == method:
                self._answered[key] = child
        child.observe(seconds)

    def drifted(self, channel: str, payload: str, surprise: Surprise) -> None:
        """Count what a channel sent and nobody announced, such as ``field:loyalty_tier``."""
        del payload
        self._drift.labels(channel, surprise.found.partition(":")[0]).inc(surprise.times)

    def called(self, erp: str, call: str, process: str, outcome: str, seconds: float) -> None:
        """Count one call to an ERP."""
        self._calls.labels(erp, call, process, outcome).observe(seconds)

    def booked_twice(self, erp: str, transaction_id: str, documents: Sequence[str]) -> None:
        """Count a transaction that is booked more than once."""
        del transaction_id, documents
        self._doubles.labels(erp).inc()

    def misconfigured(self, erp: str, detail: str) -> None:
        """Set whether an ERP says that our configuration is wrong."""
        self._misconfigured.labels(erp).set(1 if detail else 0)

    def trouble(self, where: str, error: BaseException) -> None:
        """Count a failure that nobody was waiting for, by the kind of error."""
        self._troubles.labels(where, type(error).__name__).inc()

    def backlog(self, counts: Mapping[str, int]) -> None:
        """Set what waits, by kind."""
        for what, count in counts.items():
            self._backlog.labels(what).set(count)

    def pressure(self, backlog: Backlog, refused: Sequence[object]) -> None:
        """Set what waits by class, since when, and which classes are refused."""
        for priority in Priority:
            name = priority.name.lower()
            self._waiting.labels(name).set(backlog.waiting[priority])
            self._oldest.labels(name).set(backlog.oldest_ms[priority] / 1000)
            self._refused.labels(name).set(refused[priority] is not None)

    def quota(self, erp: str, use: QuotaUse) -> None:
        """Set what of an ERP's quota is in use."""
        self._quota.labels(erp, "in_flight").set(use.in_flight)
        self._quota.labels(erp, "in_window").set(use.in_window)
        self._quota.labels(erp, "closed_s").set(use.closed_ms / 1000)

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format, version 0.0.4."""
        return generate_latest(self.registry)
