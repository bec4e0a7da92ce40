"""The buffer as whoever looks for owners sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.exchange import Lease
from gateway.canonical.exchange.seeking import Sought
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target


class Seeking(Protocol):
    """Objects that wait for an owner. Every call but :meth:`later` needs the newest token."""

    async def sought(self, lease: Lease, count: int) -> Sequence[Sought]:
        """Return objects that are to be looked for now, the longest due first."""
        ...

    async def later(self, sought: Sought, delay_ms: int) -> None:
        """Let it be looked for again in ``delay_ms``."""
        ...

    async def found(
        self, sought: Sought, epoch: int, owner: Target, payload: bytes | None, *, hold: bool
    ) -> bool:
        """Pin the owner and send the object on, or park it under a ``hold`` route.

        ``payload`` replaces its content if something was learned of it. False if the partition is
        not under ``epoch`` any more, or the object not where it was.
        """
        ...

    async def unfound(self, sought: Sought, cause: Cause, detail: str) -> bool:
        """Hold it until staff act."""
        ...
