"""Objects that wait for an owner."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.canonical.exchange import Lease
from gateway.canonical.exchange.seeking import Sought
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import FencedOut
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.lanes import DETAIL_CHARS_MAX
from gateway.store.redis.packing import packed, unpacked

#: How ``hold.lua`` is told that nobody has the object in hand.
_SOUGHT = 2


class RedisSeeking:
    """:class:`gateway.ports.Seeking` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def sought(self, lease: Lease, count: int) -> Sequence[Sought]:
        """Return objects that are to be looked for now, the longest due first."""
        part = self._partitions[lease.partition]
        answer = await self._client.script(
            "sought", [part.lease], part.prefix, self._client.now_ms, lease.token, count
        )
        if answer[0] == b"fenced":
            raise FencedOut(
                f"partition {lease.partition}: token {lease.token} is not the newest any more"
            )
        return [
            Sought(lease, transaction_id.decode(), object_key.decode(), unpacked(payload), waited)
            for object_key, transaction_id, payload, waited in answer[1:]
        ]

    async def later(self, sought: Sought, delay_ms: int) -> None:
        """Let it be looked for again in ``delay_ms``."""
        part = self._partitions[sought.lease.partition]
        await self._client.script(
            "later", [f"{part.prefix}sought"], self._client.now_ms, sought.object_key, delay_ms
        )

    async def found(
        self, sought: Sought, epoch: int, owner: Target, payload: bytes | None, *, hold: bool
    ) -> bool:
        """Pin the owner and send the object on, or park it under a ``hold`` route."""
        part = self._partitions[sought.lease.partition]
        bucket, field = keys.field(sought.object_key)
        answer = await self._client.script(
            "found", [part.lease, part.rules, part.owners(bucket)],
            part.prefix, self._client.now_ms, sought.lease.token, epoch, sought.object_key,
            sought.transaction_id, owner.value, field,
            b"" if payload is None else packed(payload), 1 if hold else 0,
        )  # fmt: skip
        return bool(answer)

    async def unfound(self, sought: Sought, cause: Cause, detail: str) -> bool:
        """Hold it until staff act."""
        part = self._partitions[sought.lease.partition]
        answer = await self._client.script(
            "hold", [part.lease],
            part.prefix, self._client.now_ms, sought.lease.token, sought.object_key,
            sought.transaction_id, cause.value, detail[:DETAIL_CHARS_MAX], "", "", 0, _SOUGHT,
        )  # fmt: skip
        return bool(answer)
