"""What channels sent that nobody announced, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.canonical.exchange.drifting import Drift, KeptPayload, NotKept


class DriftBook(Protocol):
    """All surprises of all gateways, by channel."""

    async def keep_drifts(self, found: Sequence[Drift]) -> None:
        """Add to what is kept: counts add up, the first stays the first."""
        ...

    async def drifts(self, channel: str, count: int) -> Sequence[Drift]:
        """Return what a channel sent ("": all do), what came last first."""
        ...

    async def keep_payloads(
        self, found: Sequence[KeptPayload], left_out: Mapping[str, int], now: datetime, a_day: int
    ) -> frozenset[str]:
        """Keep payloads whole, ``a_day`` of each channel; the same again is kept once.

        What is above that is counted, and so is what was ``left_out`` before, by channel. Returns
        the channels of these whose day (UTC) is full.
        """
        ...

    async def payloads(self, reference: str, channel: str) -> Sequence[KeptPayload]:
        """Return the payloads of a reference, of one channel or ("") of all, the oldest first."""
        ...

    async def not_kept(self) -> Sequence[NotKept]:
        """Return how many payloads were not kept, by channel and day."""
        ...

    async def forget_payloads(self, before: datetime) -> int:
        """Forget payloads written down before; return how many."""
        ...
