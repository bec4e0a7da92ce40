"""Wake: what waits for a missing item, an open period or credit is tried again by schedule."""

from __future__ import annotations

from typing import Final

from gateway.canonical.exchange import Lease
from gateway.ports import Lanes

#: Messages woken at a time: a fix that releases thousands is spread over the quota anyway.
PAGE: Final = 100


class Waker:
    """Looks over a partition's waits. Staff need not wait for it: they release at once."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    async def wake(self, lease: Lease) -> int:
        """Let what is due be tried again; return how many messages that was."""
        return await self._lanes.wake(lease, PAGE)
