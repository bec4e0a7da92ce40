"""One ledger of calls per ERP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.exchange import (
    Grant,
    QuotaUse,
)
from gateway.canonical.process import Target


class Quotas(Protocol):
    """One ledger of calls per ERP, shared by every process that calls it."""

    async def acquire(self, erp: Target, want: int) -> Grant:
        """Lease up to ``want`` permits."""
        ...

    async def used(self, erp: Target, permits: Sequence[str]) -> None:
        """Say that these calls ended now; they count in the window from now."""
        ...

    async def unused(self, erp: Target, permits: Sequence[str]) -> None:
        """Give permits back that no call was made with."""
        ...

    async def close(self, erp: Target, for_ms: int) -> None:
        """Let nobody call before ``for_ms`` have passed."""
        ...

    async def usage(self, erp: Target) -> QuotaUse:
        """Read the ledger."""
        ...
