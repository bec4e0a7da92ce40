"""Owners leave the buffer: only those the ledger has, of objects nothing is here of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.canonical.envelope import partition_of
from gateway.canonical.exchange.owning import Owner
from gateway.store.redis import keys
from gateway.store.redis.client import Call, Client

_CURSOR: Final = "cx:{rules}:forgotten"


class RedisForgetting:
    """:class:`gateway.ports.Forgetting` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def forget(self, owners: Sequence[Owner]) -> int:
        """Forget owners that the ledger has; return how many were known here and are no more."""
        answers = await self._client.scripts([self._call(it) for it in owners])
        failed = next((it for it in answers if isinstance(it, BaseException)), None)
        if failed is not None:
            raise failed
        return sum(answers)

    def _call(self, owner: Owner) -> Call:
        part = self._partitions[partition_of(owner.object_key, len(self._partitions))]
        bucket, field = keys.field(owner.object_key)
        named = [
            part.owners(bucket),
            f"{part.prefix}b:{owner.object_key}",
            part.fifo(owner.object_key),
            part.unprojected(owner.object_key),
        ]
        return "forget", named, (part.prefix, self._client.now_ms, field, owner.owner)

    async def forgotten_upto(self) -> str:
        """Return up to which place of the ledger's owners was gone through, "" at first."""
        found = await self._client.command("GET", _CURSOR)
        return found.decode() if found else ""

    async def note_forgotten(self, upto: str) -> None:
        """Remember how far that is."""
        await self._client.command("SET", _CURSOR, upto)
