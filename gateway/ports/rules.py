"""Rule texts, markers, and who has seen which epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import (
    Duty,
    Publication,
)


class RuleBook(Protocol):
    """Rule texts by version, the marker of each partition, and who has seen which epoch."""

    async def publication(self) -> Publication:
        """Return what is in force and what is being applied."""
        ...

    async def look(self, gateway: str, epoch: int, ttl_ms: int) -> Publication:
        """Return the same, and in the same step note that ``gateway`` lives for ``ttl_ms``.

        It reads by ``epoch`` until it reports another. A flip that opens later finds it noted.
        """
        ...

    async def text(self, version: str) -> str | None:
        """Return a stored rule text."""
        ...

    async def keep(self, version: str, text: str) -> None:
        """Store an immutable rule text."""
        ...

    async def begin(
        self,
        newest_epoch: int,
        version: str,
        kind: str,
        by: str,
        *,
        take_over: bool = False,
        backlog: str = "drain",
        duty: Duty | None = None,
    ) -> Marker | None:
        """Open a flip if ``newest_epoch`` still is the newest; None if somebody else was first.

        An open flip is in the way unless it is to be taken over. Raises
        :class:`~gateway.errors.FencedOut` if somebody else went on duty since.
        """
        ...

    async def on_duty(self, holder: str, for_ms: int) -> Duty | None:
        """Go on duty, or stay; None while somebody else is."""
        ...

    async def partition(self, number: int) -> Marker:
        """Read one partition's marker."""
        ...

    async def raise_partition(self, partition: int, marker: Marker) -> Marker:
        """Raise one partition's epoch; return what it is under then (epochs only rise)."""
        ...

    async def partitions(self) -> Sequence[Marker]:
        """Read back every partition's marker."""
        ...

    async def finish(self, marker: Marker) -> bool:
        """Close the flip: ``marker`` is in force everywhere. False if another took over."""
        ...

    async def report(self, gateway: str, epoch: int, ttl_ms: int) -> None:
        """Say that a gateway process decides under ``epoch`` from now on."""
        ...

    async def gateways(self) -> Mapping[str, int]:
        """Return the epoch every live gateway reported last."""
        ...
