"""The audit log, append-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.audit import AuditRow, Deed


class AuditLog(Protocol):
    """What people did, each row chained to the one before."""

    async def append(self, deed: Deed) -> AuditRow:
        """Add a row behind the newest; writers of all processes take turns."""
        ...

    async def audited(self, after: int, count: int) -> Sequence[AuditRow]:
        """Return up to ``count`` rows behind number ``after``, in the order of their numbers."""
        ...

    async def newest(self, count: int) -> Sequence[AuditRow]:
        """Return the newest rows, the newest first."""
        ...
