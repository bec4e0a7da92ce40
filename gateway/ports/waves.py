"""What the ledger can tell of a wave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol

from gateway.canonical.exchange import Left, Record
from gateway.canonical.exchange.hypercare import Route, Span


class WaveFigures(Protocol):
    """Counts for readiness, guardrails and hypercare; part of the ledger."""

    async def open_exceptions(self, count: int) -> Sequence[Record]:
        """Return messages that are held or wait for a cause, the oldest first."""
        ...

    async def left(self, owner: str, rule_ids: Collection[str]) -> Left:
        """Count the objects of an ERP whose first message one of these rules sent there."""
        ...

    async def messages(self, processes: Collection[str], span: Span) -> Counter[Route]:
        """Count messages of these processes that were accepted in a time, by how they fare now."""
        ...
