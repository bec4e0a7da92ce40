"""Where crosswalks are kept, version after version, and what went through them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.canonical.crosswalk import Crossing, CrosswalkKind, CrosswalkVersion
from gateway.canonical.envelope import Envelope


class CrosswalkShelf(Protocol):
    """Immutable tables."""

    async def crosswalk_versions(self) -> Sequence[CrosswalkVersion]:
        """Return the newest version of each kind that has one."""
        ...

    async def crosswalk_version(self, kind: CrosswalkKind, version: int) -> CrosswalkVersion | None:
        """Return one version."""
        ...

    async def crosswalk_rows(self, kind: CrosswalkKind, version: int) -> Sequence[Crossing]:
        """Return the rows of a version, in the order of import; none if it does not exist."""
        ...

    async def keep_crosswalk(self, version: CrosswalkVersion, rows: Sequence[Crossing]) -> bool:
        """Keep a version; False if somebody kept one of that number meanwhile."""
        ...

    async def accepted_since(
        self, at: datetime, after: str, count: int
    ) -> Sequence[tuple[str, Envelope]]:
        """Return a page of messages accepted since ``at``, by transaction id, with their owner."""
        ...
