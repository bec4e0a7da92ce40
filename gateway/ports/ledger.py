"""The SQL record: what happened, for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.exchange import (
    Applied,
    BufferEvent,
    Record,
)
from gateway.canonical.process import Target


class Ledger(Protocol):
    """The SQL record: what happened, for good."""

    async def checkpoint(self, partition: int) -> str:
        """Return the sequence up to which a partition is projected ("0-0" at first)."""
        ...

    async def project(self, partition: int, events: Sequence[BufferEvent]) -> None:
        """Record events and the checkpoint in one SQL transaction; repeats change nothing."""
        ...

    async def transaction(self, transaction_id: str) -> Record | None:
        """Return one transaction."""
        ...

    async def transactions_of(self, object_key: str) -> Sequence[Record]:
        """Return the transactions of a business object, in the order of acceptance."""
        ...

    async def owner(self, object_key: str) -> Target | None:
        """Return the recorded owner of a business object."""
        ...

    async def keep_rules(self, version: str, text: str) -> None:
        """Store an immutable rule text."""
        ...

    async def rules(self, version: str) -> str | None:
        """Return a stored rule text."""
        ...

    async def record_applied(self, applied: Applied) -> None:
        """Add a line to the history of flips; the same epoch twice changes nothing."""
        ...

    async def history(self, count: int) -> Sequence[Applied]:
        """Return the newest lines of the history, the newest first."""
        ...

    async def ping(self) -> None:
        """Raise if the ledger cannot be reached."""
        ...
