"""Objects that change their owner before anything of them reached an ERP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gateway.canonical.envelope import partition_of
from gateway.canonical.exchange import Movable
from gateway.canonical.process import Target
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.packing import unpacked

PAGE: Final = 100


class RedisMoves:
    """:class:`gateway.ports.Moves` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def movable(
        self, partition: int, erp: Target, *, refused: bool
    ) -> AsyncIterator[Movable]:
        """Go through the objects of ``erp`` of which nothing was ever tried, page by page."""
        part = self._partitions[partition]
        at, cursor, more = b"", b"0", True
        while more:
            at, cursor, *rows = await self._client.script(
                "movable", [part.rules],
                part.prefix, erp.value, 1 if refused else 0, at, cursor, PAGE,
            )  # fmt: skip
            more = at != b""
            for object_key, transaction_id, payload, waiting in rows:
                yield Movable(
                    transaction_id=transaction_id.decode(),
                    object_key=object_key.decode(),
                    owner=erp,
                    payload=unpacked(payload),
                    waiting=int(waiting),
                    refused=refused,
                )

    async def move(self, found: Movable, epoch: int, to: Target, by: str) -> bool:
        """Give an object to the other ERP; False if it may not be moved (any more)."""
        part = self._partitions[partition_of(found.object_key, len(self._partitions))]
        bucket, field = keys.field(found.object_key)
        answer = await self._client.script(
            "move", [part.rules, part.owners(bucket)],
            part.prefix, self._client.now_ms, epoch, found.object_key, found.transaction_id,
            found.owner.value, to.value, field, 1 if found.refused else 0, by,
        )  # fmt: skip
        return bool(answer)
