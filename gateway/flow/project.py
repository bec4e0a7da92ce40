"""Project: what happened in the buffer goes into the ledger, at least once, in order.

One projector per partition, at the worker that holds its lease. It always reads from the beginning
of what the buffer has: the ledger ignores what it knows, so a crash between its commit and the
trimming of the buffer costs a repeat, never a gap, and leaves nothing behind.
"""

from __future__ import annotations

from typing import Final

from gateway.canonical.exchange import Lease
from gateway.ports import Feed, Ledger

BATCH_MAX: Final = 500

#: Events after which the buffer need not know a message any more.
SETTLED: Final = frozenset({"booked", "discarded"})


class Projector:
    """Moves events of leased partitions into the ledger."""

    def __init__(self, feed: Feed, ledger: Ledger) -> None:
        self._feed = feed
        self._ledger = ledger

    async def project(self, lease: Lease) -> int:
        """Move one batch of a partition; return how many events it had."""
        events = await self._feed.events(lease.partition, "0-0", BATCH_MAX)
        if events:
            await self._ledger.project(lease.partition, events)
            settled = [event.transaction_id for event in events if event.kind in SETTLED]
            await self._feed.projected(lease.partition, events[-1].sequence, settled)
        return len(events)
