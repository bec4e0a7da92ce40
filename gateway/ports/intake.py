"""The buffer as the API sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.canonical.exchange import (
    AcceptAnswer,
    Accepted,
    Clash,
    Entry,
    Progress,
    Replay,
)
from gateway.canonical.process import Target


class Intake(Protocol):
    """The buffer as the API sees it."""

    async def reserve(
        self, key: str, transaction_id: str, digest: bytes
    ) -> Accepted | Replay | Clash:
        """Bind an idempotency key to a transaction id and a body, or say what it is bound to."""
        ...

    async def accept(self, entry: Entry) -> AcceptAnswer:
        """Claim, own and enqueue in one step; durable when it returns."""
        ...

    async def progress(self, transaction_id: str) -> Progress | None:
        """Return a transaction the buffer still holds."""
        ...

    async def progress_of(self, object_key: str) -> Sequence[Progress]:
        """Return the object's transactions that are not yet (only) in the ledger, in order."""
        ...

    async def claimed(self, object_key: str, claim: str) -> str | None:
        """Return the transaction id a claim was taken under."""
        ...

    async def owner(self, object_key: str) -> Target | None:
        """Return the owner the buffer knows."""
        ...
