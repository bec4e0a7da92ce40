"""How much waits, and whether an operator has switched the peak mode."""

from __future__ import annotations

from typing import Protocol

from gateway.canonical.exchange import Backlog, Peak


class Backlogs(Protocol):
    """What waits in the buffer."""

    async def read(self) -> Backlog:
        """Count everything, over all partitions."""
        ...


class Peaks(Protocol):
    """The peak mode, one switch for the whole installation."""

    async def peak(self) -> Peak | None:
        """Return who switched it on and why, or None while it is off."""
        ...

    async def switch(self, peak: Peak | None) -> None:
        """Switch it on, or off; either again changes nothing but who and why."""
        ...
