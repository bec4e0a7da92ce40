"""What channels sent that nobody announced, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.exchange.drifting import Drift


class DriftBook(Protocol):
    """All surprises of all gateways, by channel."""

    async def keep_drifts(self, found: Sequence[Drift]) -> None:
        """Add to what is kept: counts add up, the first stays the first."""
        ...

    async def drifts(self, channel: str, count: int) -> Sequence[Drift]:
        """Return what a channel sent ("": all do), what came last first."""
        ...
