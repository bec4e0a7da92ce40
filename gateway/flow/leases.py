"""Which partitions this worker serves: a fair share of them, held by leases it keeps renewing.

No coordinator: every worker says that it lives, takes free partitions up to its share, and gives
some back when there are more workers than before. The worker's own monotonic clock ends a lease,
counted from *before* the call that renewed it, so it believes in it for less long than the store.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Final

from gateway.canonical.exchange import Lease
from gateway.clock import Clock
from gateway.errors import FencedOut, LedgerUnavailable, StoreUnavailable, Unavailable
from gateway.ports import Lanes

#: Of a lease's time, the part a worker trusts: the rest is for the step between looking at the
#: clock and writing to the ERP's socket.
TRUST: Final = 0.8


class LeaseKeeper:
    """Keeps this worker's leases; :meth:`tick` is to be called several times a lease."""

    def __init__(
        self,
        lanes: Lanes,
        clock: Clock,
        holder: str,
        partitions: int,
        lease_ms: int,
        chance: Random,
        sound: Callable[[Lease], Awaitable[Lease]] | None = None,
    ) -> None:
        self._sound = sound
        self._lanes = lanes
        self._clock = clock
        self._holder = holder
        self._partitions = partitions
        self._lease_ms = lease_ms
        self._chance = chance
        self._until_s: dict[Lease, float] = {}

    def held(self) -> tuple[Lease, ...]:
        """Return the leases this worker may act under now."""
        now_s = self._clock.monotonic_s()
        return tuple(lease for lease, until_s in self._until_s.items() if until_s > now_s)

    def holds(self, lease: Lease) -> bool:
        """Say whether a lease may still be acted under; ask right before a send."""
        return self._until_s.get(lease, 0.0) > self._clock.monotonic_s()

    def lost(self, lease: Lease) -> None:
        """Note that the store refused a lease's token."""
        self._until_s.pop(lease, None)

    async def tick(self) -> None:
        """Renew what is held, give back what is too much, take what is free."""
        try:
            workers = await self._lanes.workers(self._holder, self._lease_ms)
            await self._renew()
            share = math.ceil(self._partitions / max(1, workers))
            await self._give_back(share)
            await self._take_up_to(share)
        except Unavailable:
            # Nothing is renewed: the leases run out by this worker's clock, which is the point.
            return

    def lost_all(self) -> None:
        """Note that nothing is known of any lease: the store is another one than before."""
        self._until_s.clear()

    async def _found_sound(
        self, lease: Lease, sound: Callable[[Lease], Awaitable[Lease]]
    ) -> Lease | None:
        """Look whether the partition is whole before acting; None if nobody could say."""
        try:
            return await sound(lease)
        except (FencedOut, LedgerUnavailable):
            # Nothing is sent from a partition that may be behind; it is free again in a moment.
            with suppress(StoreUnavailable):
                await self._lanes.release(lease)
            return None

    async def leave(self) -> None:
        """Give everything back, so that others need not wait for the leases to run out."""
        leases = tuple(self._until_s)
        self._until_s.clear()
        try:
            for lease in leases:
                await self._lanes.release(lease)
            await self._lanes.workers(self._holder, 0)
        except Unavailable:
            return  # they run out by themselves

    async def _renew(self) -> None:
        leases = tuple(self._until_s)
        if not leases:
            return
        started_s = self._clock.monotonic_s()
        kept = await self._lanes.renew(leases, self._lease_ms)
        until_s = started_s + self._lease_ms / 1000 * TRUST
        # One that was lost meanwhile stays lost, whatever the store says: what it has in flight is
        # in nobody's hands, and comes back only when the partition is taken anew.
        self._until_s = {lease: until_s for lease in kept if lease in self._until_s}

    async def _give_back(self, share: int) -> None:
        while len(self._until_s) > share:
            lease, _ = self._until_s.popitem()
            await self._lanes.release(lease)

    async def _take_up_to(self, share: int) -> None:
        mine = {lease.partition for lease in self._until_s}
        others = [n for n in range(self._partitions) if n not in mine]
        self._chance.shuffle(others)  # two workers that start together should not race in step
        for partition in others:
            if len(self._until_s) >= share:
                return
            started_s = self._clock.monotonic_s()
            lease = await self._lanes.lease(partition, self._holder, self._lease_ms)
            if lease is not None and self._sound is not None:
                lease = await self._found_sound(lease, self._sound)
            if lease is not None:
                self._until_s[lease] = started_s + self._lease_ms / 1000 * TRUST
