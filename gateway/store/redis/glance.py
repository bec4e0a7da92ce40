"""Which partitions have something to be done, in one round trip.

A worker looks after all of its partitions many times a second, and most of them have nothing most
of the time: to ask each in turn would cost an idle worker more than all else that it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.canonical.exchange import Lease
from gateway.store.redis import keys
from gateway.store.redis.client import Client


class RedisGlance:
    """Picks the leases of partitions that have something; a look, without a promise."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def with_events(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those whose partitions have events that are not projected."""
        looks = [("XLEN", self._partitions[lease.partition].events) for lease in leases]
        return await self._picked(leases, looks)

    async def with_parked(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those whose partitions have objects under a hold route."""
        return await self._picked(leases, self._sizes(leases, "parked"))

    async def with_sought(self, leases: Sequence[Lease]) -> list[Lease]:
        """Return those whose partitions have objects that wait for an owner."""
        return await self._picked(leases, self._sizes(leases, "sought"))

    def _sizes(self, leases: Sequence[Lease], what: str) -> Iterable[tuple[str, str]]:
        prefixes = (self._partitions[lease.partition].prefix for lease in leases)
        return [("ZCARD", f"{prefix}{what}") for prefix in prefixes]

    async def _picked(
        self, leases: Sequence[Lease], looks: Iterable[tuple[str, str]]
    ) -> list[Lease]:
        pipeline = self._client.redis.pipeline(transaction=False)
        for look in looks:
            pipeline.execute_command(*look)
        counts = await self._client.execute(pipeline) if leases else []
        return [lease for lease, count in zip(leases, counts, strict=True) if count]
