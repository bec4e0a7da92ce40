"""What staff do to messages that are held or wait for a cause, and what they look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.canonical.exchange import (
    Buffered,
    Case,
    Discarded,
    Edited,
    Edition,
    Happened,
    Listed,
    Record,
    StaffRefused,
    Tally,
    Wanted,
)


class Desk(Protocol):
    """The buffer as staff see it."""

    async def case(self, transaction_id: str) -> Case | None:
        """Return a message the buffer has."""
        ...

    async def edit(
        self, case: Case, edition: Edition, by: str, reason: str, *, early: bool = False
    ) -> Edited | StaffRefused:
        """Replace a message's content, if it still is as ``case`` says.

        ``early`` does so too before anything stopped it: while it waits for its turn or under a
        ``hold`` route. What is in a worker's hands is refused as open.
        """
        ...

    async def discard(
        self, case: Case, by: str, reason: str, *, creates: bool, absent: bool,
        before: str = "",
    ) -> Discarded | StaffRefused:  # fmt: skip
        """Give a message up, if it still is as ``case`` says.

        ``creates`` says that what follows it is about what it would have made. ``absent`` says
        that the attempt ``case`` names as open was looked for, and is absent for good. ``before``
        is the ERP that has the object from before, if it is older than this message.
        """
        ...


class Casebook(Protocol):
    """The ledger as staff see it."""

    async def tallies(self, wanted: Wanted) -> Sequence[Tally]:
        """Count what is held or waits, by process, cause, state, owner and currency."""
        ...

    async def exceptions(self, wanted: Wanted, first: int, count: int) -> Sequence[Listed]:
        """Return what is held or waits: the first deadline first, then the most money."""
        ...

    async def exception_ids(self, wanted: Wanted, count: int) -> Sequence[tuple[str, str]]:
        """Return ids and processes of the first ``count`` of them, in the same order."""
        ...

    async def parked(self, after: tuple[int, str], count: int) -> Sequence[Buffered]:
        """Return a page of what waits under a ``hold`` route, in the order of acceptance.

        ``after`` is the :attr:`~gateway.canonical.exchange.Buffered.place` of the last one seen.
        """
        ...

    async def history_of(self, transaction_id: str) -> Sequence[Happened]:
        """Return what happened to a transaction, in order."""
        ...

    async def original_of(self, transaction_id: str) -> dict[str, Any] | None:
        """Return the body as it was accepted, if staff changed it since."""
        ...

    async def busiest_minute(self, since: datetime) -> dict[str, int]:
        """Return, by ERP, the most transactions it booked in one minute since ``since``."""
        ...

    async def transaction(self, transaction_id: str) -> Record | None:
        """Return one transaction."""
        ...
