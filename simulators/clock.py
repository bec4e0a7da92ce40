"""Time as the simulators see it; tests pass their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a simulator asks about time."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start, never stepping back."""
        ...

    def now(self) -> datetime:
        """The instant, with offset."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic_s(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def now(self) -> datetime:
        """The instant in UTC."""
        return datetime.now(UTC)
