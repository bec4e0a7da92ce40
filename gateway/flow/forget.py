"""Forget: owners of orders nobody has touched for long leave the buffer, which is memory.

The sentence the code follows: *the ledger's owners are gone through in the order they were pinned;
one that is old enough leaves the buffer if the ledger says the same and nothing of the object is in
the buffer; whoever asks for it later finds it in the ledger, and it is pinned again.*

Only orders are forgotten. They are created once, and a repeat is known by its claim, which is kept
for less long than owners are here. A store's business day takes receipts at any time, each of which
is a create: its owner has to be where creates are decided, and there are few such days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.canonical.exchange.owning import Owner
from gateway.clock import Clock
from gateway.ports import Forgetting, Owners

#: Objects whose owner may leave: those of one create.
FORGOTTEN_PREFIX: Final = "order:"

PAGE: Final = 500
#: Pages of one round, so that nothing else waits for it: half a million a day at ten minutes.
PAGES_MAX: Final = 8


class Forgetter:
    """Lets owners older than ``keep_days`` leave the buffer, a few pages at a time."""

    def __init__(self, owners: Owners, buffer: Forgetting, clock: Clock, keep_days: int) -> None:
        self._owners = owners
        self._buffer = buffer
        self._clock = clock
        self._keep = timedelta(days=keep_days)

    async def forget(self) -> int:
        """Go on where the last round ended; return how many owners left."""
        before = self._clock.now() - self._keep
        cursor = await self._buffer.forgotten_upto()
        gone = 0
        for _ in range(PAGES_MAX):
            page = await self._owners.owners_pinned(_place(cursor), before, PAGE)
            if not page:
                break
            gone += await self._buffer.forget(
                [it for it in page if it.object_key.startswith(FORGOTTEN_PREFIX)]
            )
            cursor = _cursor(page[-1])
            await self._buffer.note_forgotten(cursor)
        return gone


def _cursor(owner: Owner) -> str:
    return f"{owner.pinned_at.isoformat()} {owner.object_key}"


def _place(cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    at, _, key = cursor.partition(" ")
    return datetime.fromisoformat(at), key
