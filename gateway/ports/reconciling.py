"""The ledger as reconciliation sees it: what may be booked too often, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.canonical.exchange import SecondLook
from gateway.canonical.process import Target


class SecondLooks(Protocol):
    """What was sent more than once and booked, or sent and given up; part of the ledger."""

    async def second_looks(
        self, erp: Target, partition: int | None, settled_before: datetime, count: int,
        after: str = "",
    ) -> Sequence[SecondLook]:  # fmt: skip
        """Return transactions of an ERP, by id behind ``after``, that are due for a look now.

        Due is what was never looked at and settled before ``settled_before``, or whose next look
        is. Without ``partition`` it is all of every partition that was settled before, due or not.
        """
        ...

    async def looked(self, transaction_id: str, next_at: datetime | None) -> None:
        """Note a look, and when the next one is due; None: there is none."""
        ...

    async def raise_double(self, transaction_id: str, documents: Sequence[str]) -> bool:
        """Make a settled transaction an exception; False if it is one, or was settled as it is."""
        ...

    async def is_double(self, transaction_id: str) -> bool:
        """Say whether it is such an exception."""
        ...

    async def settle_double(self, transaction_id: str) -> bool:
        """End such an exception; its documents, as they are now, raise none again."""
        ...
