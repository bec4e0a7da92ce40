"""Who is told of what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Observer(Protocol):
    """Told of what happens, for logs and metrics; never fails and never waits."""

    def attempt(
        self,
        *,
        call: str,
        erp: str,
        process: str,
        transaction_id: str,
        attempt: int,
        outcome: str,
        detail: str,
        duration_s: float,
    ) -> None:
        """One call to an ERP ended: one wide event."""
        ...

    def booked_twice(self, erp: str, transaction_id: str, documents: Sequence[str]) -> None:
        """Reconciliation found more than one document of a transaction."""
        ...

    def misconfigured(self, erp: str, detail: str) -> None:
        """An ERP says that our configuration is wrong; "" says that it works again."""
        ...

    def trouble(self, where: str, error: BaseException) -> None:
        """Something failed that nobody was waiting for."""
        ...
