"""Token buckets of a marketplace's operations: rate, burst, and what the answers say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """A bucket at an instant (seconds since 1970, by the store's clock)."""

    rate_per_s: float
    burst: float
    tokens: float
    at_s: float

    def at(self, now_s: float) -> Plan:
        """Return the bucket as it is then; a clock that went back fills nothing."""
        grown = self.tokens + max(0.0, now_s - self.at_s) * self.rate_per_s
        return replace(self, tokens=min(self.burst, grown), at_s=max(now_s, self.at_s))

    def taken(self, now_s: float) -> Plan | None:
        """Return the bucket without one token, None if there is none."""
        now = self.at(now_s)
        return replace(now, tokens=now.tokens - 1) if now.tokens >= 1 else None

    def told(self, rate_per_s: float) -> Plan:
        """Return the bucket with the rate an answer stated."""
        return replace(self, rate_per_s=rate_per_s) if rate_per_s > 0 else self

    def emptied(self, now_s: float) -> Plan:
        """Return the bucket after an answer said that it is empty."""
        return replace(self.at(now_s), tokens=0.0)

    @property
    def full_again_s(self) -> float:
        """Seconds until there is a token."""
        return max(0.0, 1 - self.tokens) / self.rate_per_s

    def as_json(self) -> dict[str, float]:
        """What is kept."""
        return {"rate": self.rate_per_s, "burst": self.burst, "tokens": self.tokens,
                "at": self.at_s}  # fmt: skip


#: Amazon's default usage plan: operation -> requests a second, burst.
#: Source: the models of Orders 2026-01-01 and Reports 2021-06-30 in
#: amzn/selling-partner-api-models.
AMAZON: Final[Mapping[str, tuple[float, int]]] = {
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "getReports": (0.0222, 10),
    "getReportDocument": (0.0167, 15),
}


def fresh(operation: str, now_s: float) -> Plan:
    """Return the full bucket of an operation nobody has called yet."""
    rate, burst = AMAZON[operation]
    return Plan(rate, float(burst), float(burst), now_s)


def kept(found: Mapping[str, float], operation: str, now_s: float) -> Plan:
    """Read a kept bucket; a fresh one if there is none, or none that can be read."""
    try:
        return Plan(found["rate"], found["burst"], found["tokens"], found["at"])
    except KeyError:
        return fresh(operation, now_s)
