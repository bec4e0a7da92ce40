"""The usage plan: a token bucket for each operation, with the published rates and bursts.

Source: the usage plans in the models of amzn/selling-partner-api-models; the default plan.
"""

from __future__ import annotations

#: Operation -> requests a second, burst.
PLAN: dict[str, tuple[float, int]] = {
    "getOrders": (0.0167, 20),
    "getOrder": (0.5, 30),
    "getOrderItems": (0.5, 30),
    "searchOrders": (0.0056, 20),
    "getOrder2026": (0.5, 30),
    "createReport": (0.0167, 15),
    "getReports": (0.0222, 10),
    "getReport": (2.0, 15),
    "getReportDocument": (0.0167, 15),
    "createDestination": (1.0, 5),
    "getDestinations": (1.0, 5),
    "getDestination": (1.0, 5),
    "deleteDestination": (1.0, 5),
    "createSubscription": (1.0, 5),
    "getSubscription": (1.0, 5),
    "getSubscriptionById": (1.0, 5),
    "deleteSubscriptionById": (1.0, 5),
}


class Bucket:
    """Holds `burst` tokens and gets `rate_per_s` of them a second; a request takes one."""

    def __init__(self, burst: int, now_s: float) -> None:
        self._burst = burst
        self._tokens = float(burst)
        self._seen_s = now_s

    def take(self, rate_per_s: float, now_s: float) -> bool:
        """Take a token, if there is one."""
        grown = self._tokens + max(0.0, now_s - self._seen_s) * rate_per_s
        self._tokens = min(float(self._burst), grown)
        self._seen_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class UsagePlan:
    """The buckets of one seller and application."""

    def __init__(self, now_s: float) -> None:
        self._buckets = {name: Bucket(burst, now_s) for name, (_, burst) in PLAN.items()}

    def take(self, operation: str, scale: float, now_s: float) -> bool:
        """Whether a request may pass now."""
        return self._buckets[operation].take(PLAN[operation][0] * scale, now_s)

    @staticmethod
    def header(operation: str, scale: float) -> str:
        """What `x-amzn-RateLimit-Limit` says."""
        return f"{PLAN[operation][0] * scale:g}"
