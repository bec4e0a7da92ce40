"""Where settlements are kept, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.canonical.exchange.settlements import KeptSettlement
from gateway.canonical.settlement import Component, Settlement, SettlementRow


class SettlementReading(Protocol):
    """A file being read: its head, its rows (once), and what a look behind the last row tells."""

    head: Settlement

    def rows(self) -> Iterator[SettlementRow]:
        """Yield the rows; raise :class:`~gateway.errors.FileRefused` behind the last, if wrong."""
        ...

    def unknown_components(self) -> Sequence[tuple[Component, int]]:
        """Return components nobody knows, with how many rows each has."""
        ...

    def sha256(self) -> str:
        """Read what is left of the file, and return the hash of all its bytes."""
        ...


class Settlements(Protocol):
    """Settlements as they were stated."""

    async def keep_settlement(
        self, reading: SettlementReading, channel: str, file: str
    ) -> KeptSettlement:
        """Keep a settlement with all its rows, or nothing of it.

        The same file again changes nothing and answers what was kept.

        Raises:
            FileRefused: the file is wrong.
            IdempotencyClash: the settlement was kept before, from a file that says other things.
        """
        ...

    async def settlements(self, count: int) -> Sequence[KeptSettlement]:
        """Return what was kept, the newest deposit first."""
        ...

    async def settlement(self, provider: str, settlement_id: str) -> KeptSettlement | None:
        """Return one settlement."""
        ...

    async def settlement_rows(
        self, provider: str, settlement_id: str, after: int, count: int
    ) -> Sequence[SettlementRow]:
        """Return a page of rows, those behind ordinal ``after``."""
        ...

    async def settlement_sums(
        self, provider: str, settlement_id: str
    ) -> Sequence[tuple[Component, int, int]]:
        """Return for each component its number of rows and its sum, in ten-thousandths."""
        ...
