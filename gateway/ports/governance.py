"""What people decided about changes of rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.exchange.governance import Proposal, Schedule, Stage


class Governance(Protocol):
    """Proposals with their evidence, and flips with a time; part of the ledger."""

    async def propose(self, proposal: Proposal, evidence: str) -> None:
        """Keep a proposal and the text of its evidence ("" if it has none)."""
        ...

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """Return one proposal."""
        ...

    async def proposals(self, count: int, version: str = "") -> Sequence[Proposal]:
        """Return the newest proposals, the newest first; of one version if it is named."""
        ...

    async def evidence(self, evidence_hash: str) -> str | None:
        """Return the evidence with this hash."""
        ...

    async def rule(self, proposal: Proposal) -> bool:
        """Record the ruling a proposal carries; False if somebody ruled before."""
        ...

    async def schedule(self, schedule: Schedule) -> None:
        """Keep a scheduled flip."""
        ...

    async def schedules(self, count: int, *, open_only: bool = False) -> Sequence[Schedule]:
        """Return scheduled flips by their time, the latest first; those that have not ended."""
        ...

    async def advance(self, schedule: Schedule, seen: Stage) -> bool:
        """Record stage, reason and epoch of a schedule if it is still at ``seen``."""
        ...
