"""How reads fared, counted by all gateways together, in buckets that forget themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from gateway.store.redis import keys
from gateway.store.redis.client import Client

#: A bucket of time, and how many of them are kept: two days, for yesterday's figures.
BUCKET_MS: Final = 30_000
KEPT_MS: Final = 49 * 3600 * 1000


class RedisReads:
    """Implements :class:`gateway.ports.Reads`. A count costs its read one addition in memory."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._counted: Counter[str] = Counter()

    def count(self, rule_id: str, fared: str) -> None:
        """Count a read that was ``ok`` or an ``error``; what is not flushed dies with us."""
        self._counted[f"{rule_id}|{fared}"] += 1

    async def flush(self) -> None:
        """Add what was counted to the present bucket."""
        counted, self._counted = self._counted, Counter()
        if not counted:
            return
        key = keys.reads_key(await self._client.server_ms() // BUCKET_MS)
        pipeline = self._client.redis.pipeline(transaction=False)
        for field, count in counted.items():
            pipeline.hincrby(key, field, count)
        pipeline.pexpire(key, KEPT_MS)
        await self._client.execute(pipeline)

    async def reads(self, rule_ids: Collection[str], since_ms: int) -> tuple[int, int]:
        """Count the reads decided by these rules since then: (unanswered, all)."""
        counted = await self.by_rule(since_ms, await self._client.server_ms())
        mine = {it: count for it, count in counted.items() if it[0] in rule_ids}
        errors = sum(count for (_, fared), count in mine.items() if fared == "error")
        return errors, sum(mine.values())

    async def by_rule(self, since_ms: int, until_ms: int) -> Mapping[tuple[str, str], int]:
        """Count the reads of that time by (rule, ``ok`` or ``error``), by whole buckets."""
        pipeline = self._client.redis.pipeline(transaction=False)
        first = max(since_ms, until_ms - KEPT_MS) // BUCKET_MS
        for bucket in range(first, until_ms // BUCKET_MS + 1):
            pipeline.hgetall(keys.reads_key(bucket))
        total: Counter[tuple[str, str]] = Counter()
        for found in await self._client.execute(pipeline):
            for field, count in found.items():
                rule_id, _, fared = field.decode().rpartition("|")
                total[rule_id, fared] += int(count)
        return total
