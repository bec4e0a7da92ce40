"""How long a backlog takes to drain, and whose deadline it breaks: arithmetic on counts and rates.

Two figures bound the time. What the quota allows is the best an ERP will take; the busiest minute
that was measured is what it has taken. With neither, nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Calls for a message that was sent before: one looks whether it is there, one sends it.
CALLS_AGAIN: Final = 2
CALLS_FIRST: Final = 1


@dataclass(frozen=True, slots=True)
class Drain:
    """How one ERP would work off ``count`` behind ``ahead`` others; None: nobody can say.

    ``quota_s`` is the least it can take, ``measured_s`` what it takes at the best rate seen.
    """

    erp: str
    count: int
    ahead: int
    quota_s: float | None
    measured_s: float | None

    @property
    def seconds(self) -> float | None:
        """The longer, and so the safer, of the two."""
        known = [it for it in (self.quota_s, self.measured_s) if it is not None]
        return max(known) if known else None


@dataclass(frozen=True, slots=True)
class Pace:
    """What an ERP takes: calls a second its quota allows, bookings in the busiest minute seen."""

    calls_s: float
    busiest_minute: int

    def drain(self, erp: str, count: int, ahead: int, calls: int = CALLS_AGAIN) -> Drain:
        """Estimate ``count`` messages of ``calls`` each, behind ``ahead`` that are sent first."""
        quota_s = (count * calls + ahead) / self.calls_s if self.calls_s > 0 else None
        measured_s = None
        if self.busiest_minute:
            measured_s = (count + ahead) * 60 / self.busiest_minute
        return Drain(erp, count, ahead, quota_s, measured_s)


def drains(
    counts: Mapping[str, int], ahead: Mapping[str, int], paces: Mapping[str, Pace],
    calls: int = CALLS_AGAIN,
) -> list[Drain]:  # fmt: skip
    """Estimate each ERP's share."""
    return [
        paces[erp].drain(erp, count, ahead.get(erp, 0), calls)
        if erp in paces
        else Drain(erp, count, ahead.get(erp, 0), None, None)
        for erp, count in sorted(counts.items())
    ]


def span(seconds: float | None) -> str:
    """Say a time as people do."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
