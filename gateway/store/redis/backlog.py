"""What waits in all partitions, counted by the store itself."""

from __future__ import annotations

from gateway.canonical.exchange import Backlog
from gateway.store.redis import keys
from gateway.store.redis.client import Client


class RedisBacklog:
    """:class:`gateway.ports.Backlogs` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def read(self) -> Backlog:
        """Count everything: one script a partition, in one round trip, and the server's memory."""
        calls = [
            ("backlog", [part.lease], (part.prefix, self._client.now_ms))
            for part in self._partitions
        ]
        rows = []
        for answer in await self._client.scripts(calls):
            if isinstance(answer, BaseException):
                raise answer
            rows.append([int(it) for it in answer])
        sums = [sum(column) for column in zip(*rows, strict=True)]
        oldest = [max(column) for column in zip(*(row[12:] for row in rows), strict=True)]
        memory = await self._client.command("INFO", "memory")
        return Backlog(
            legacy=sums[0],
            cloud=sums[1],
            flight=sums[2],
            parked=sums[3],
            held=sums[4],
            waits=sums[5],
            events=sums[6],
            booked=sums[7],
            waiting=(sums[8], sums[9], sums[10], sums[11]),
            oldest_ms=(oldest[0], oldest[1], oldest[2], oldest[3]),
            memory_bytes=int(memory["used_memory"]),
            memory_max_bytes=int(memory["maxmemory"]),
        )
