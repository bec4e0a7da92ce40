"""The numbers of stores' registers, and the files that receipts came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from gateway.canonical.exchange.stores import DayClosed, NumberUsed, StoreNumbers, TakenFile


class StoreBook(Protocol):
    """What registers' numbers were used for. Receipts come into it as the ledger records them."""

    async def note_numbers(self, used: Sequence[NumberUsed], closed: Sequence[DayClosed]) -> None:
        """Keep numbers without a sale, and days that ended.

        All or none; what is there already stays as it is.
        """
        ...

    async def store_numbers(self, store: str, since: date, until: date) -> StoreNumbers:
        """Return what is known of the business days from ``since`` to ``until``, both included.

        With them comes the last day before of each register. ``store`` "" means all.
        """
        ...

    async def begin_file(self, file: TakenFile) -> TakenFile:
        """Write down that a file is about to be taken; return it as it was written down first."""
        ...

    async def end_file(self, sha256: str, channel: str) -> None:
        """Write down that all of a file is taken."""
        ...

    async def taken_files(self, count: int) -> Sequence[TakenFile]:
        """Return the newest files."""
        ...
