"""What was decided, kept for dry runs; and the dry runs themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.exchange import DryRun, KeptBlock
from gateway.routing.recorded import Recorded, Recorder


class Evidence(Protocol):
    """Recorded decisions, in blocks, and reports of deciding them again.

    Decisions on messages come with the projection of their acceptance; reads are kept by the
    gateway that decided them.
    """

    async def recorder(self) -> Recorder:
        """Return what turns requests into what is kept of them, with this installation's key."""
        ...

    async def keep_decisions(self, source: str, number: int, rows: Sequence[Recorded]) -> None:
        """Keep a batch of one source, such as a gateway process; the same again changes nothing."""
        ...

    async def decisions(
        self, since_ms: int, until_ms: int, after: KeptBlock | None, count: int
    ) -> Sequence[KeptBlock]:
        """Return up to ``count`` blocks that reach into a period, behind ``after``, in order."""
        ...

    async def forget_decisions(self, before_ms: int) -> int:
        """Forget the blocks that end before a time; return how many."""
        ...

    async def merge_decisions(self, before_ms: int) -> int:
        """Merge small blocks that end before a time; return how many became fewer."""
        ...

    async def attempts(self, since_ms: int, until_ms: int) -> Mapping[tuple[str, str], float]:
        """Return the mean number of sends of a booked message by (process, ERP)."""
        ...

    async def call_seconds(self) -> Mapping[str, float]:
        """Return how long a send took lately by ERP, as the median of those recorded."""
        ...

    async def keep_dry_run(self, run: DryRun) -> None:
        """Keep a dry run; the same evidence again changes nothing."""
        ...

    async def dry_run(self, evidence_hash: str) -> DryRun | None:
        """Return a dry run by the hash of its evidence."""
        ...

    async def dry_run_of(self, rules_version: str) -> DryRun | None:
        """Return the newest dry run of a rule version."""
        ...
