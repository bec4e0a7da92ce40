"""A buffer that may be older than the ledger: restored from a copy, or a replica that lagged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Doubtful, Fate, Lease, Record, Standing
from gateway.canonical.process import Target


class Recovery(Protocol):
    """The buffer's side."""

    async def standings(self) -> Sequence[Standing]:
        """Return how far each partition is."""
        ...

    async def begin(self, lease: Lease, checkpoint: str, marker: Marker) -> tuple[Lease, str]:
        """Begin or resume; return the lease under its new token, and where the buffer ended."""
        ...

    def waiting(self, partition: int) -> AsyncIterator[Doubtful]:
        """Go through every object that waits, and every message held beside its fifo."""
        ...

    async def messages_of(self, partition: int, object_key: str) -> Sequence[str]:
        """Return the waiting messages of an object."""
        ...

    async def doubt(self, lease: Lease, it: Doubtful, owner: Target | None) -> None:
        """Let the outcome of what waits count as unknown, under the owner the ledger knows."""
        ...

    async def restore(self, lease: Lease, record: Record, *, waits: bool) -> None:
        """Put claim, owner and, if it waits, the message of a lost transaction back."""
        ...

    async def reopen(self, marker: Marker) -> None:
        """Bring the rule book to what the ledger knows to be in force."""
        ...

    async def end(self, lease: Lease) -> None:
        """Say that the partition is whole."""
        ...


class Memory(Protocol):
    """The ledger's side."""

    async def checkpoints(self) -> Mapping[int, str]:
        """Return the sequence up to which each partition is projected."""
        ...

    async def accepted_behind(
        self, partition: int, after: str, count: int
    ) -> Sequence[tuple[str, Record]]:
        """Return what was accepted behind an event, in that order, with the event of each."""
        ...

    async def fates(self, transaction_ids: Sequence[str]) -> Mapping[str, Fate]:
        """Return what became of messages that are known."""
        ...
