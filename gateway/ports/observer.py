"""Who is told of what happens."""

from __future__ import annotations

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

    def misconfigured(self, erp: str, detail: str) -> None:
        """An ERP says that our configuration is wrong; "" says that it works again."""
        ...

    def trouble(self, where: str, error: BaseException) -> None:
        """Something failed that nobody was waiting for."""
        ...
