"""The buffer's events, for the projector of a partition."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import BufferEvent
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.packing import unpacked

_OWN = (b"k", b"tx", b"at")


class RedisFeed:
    """:class:`gateway.ports.Feed` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def events(self, partition: int, after: str, count: int) -> Sequence[BufferEvent]:
        """Return events behind ``after`` ("0-0" for all), accepted ones with their envelope."""
        part = self._partitions[partition]
        entries = await self._client.command(
            "XRANGE", part.events, f"({after}", "+", "COUNT", count
        )
        events = []
        for entry_id, flat in entries:
            fields = _fields(flat)
            events.append((entry_id.decode(), fields))
        accepted = [f[b"tx"].decode() for _, f in events if f[b"k"] == b"accepted"]
        envelopes = await self._envelopes(partition, accepted)
        return [
            BufferEvent(
                sequence=sequence,
                kind=fields[b"k"].decode(),
                transaction_id=fields[b"tx"].decode(),
                at_ms=int(fields[b"at"]),
                fields={k.decode(): v.decode() for k, v in fields.items() if k not in _OWN},
                envelope=envelopes.get(fields[b"tx"].decode())
                if fields[b"k"] == b"accepted"
                else None,
            )
            for sequence, fields in events
        ]

    async def projected(self, partition: int, upto: str, settled: Sequence[str]) -> None:
        """Forget what the ledger now has: events up to ``upto``, bodies of settled messages."""
        part = self._partitions[partition]
        known = self._client.redis.pipeline(transaction=False)
        for transaction_id in settled:
            known.hget(part.message(transaction_id), "o")
        object_keys = await self._client.execute(known) if settled else []
        pipeline = self._client.redis.pipeline(transaction=False)
        for transaction_id, object_key in zip(settled, object_keys, strict=True):
            if object_key is not None:
                pipeline.lrem(part.unprojected(object_key.decode()), 0, transaction_id)
                pipeline.delete(part.message(transaction_id))
        ms, number = upto.split("-")
        pipeline.xtrim(part.events, minid=f"{ms}-{int(number) + 1}", approximate=False)
        await self._client.execute(pipeline)

    async def _envelopes(self, partition: int, ids: Sequence[str]) -> dict[str, Envelope]:
        if not ids:
            return {}
        part = self._partitions[partition]
        pipeline = self._client.redis.pipeline(transaction=False)
        for transaction_id in ids:
            # As it was accepted: what staff change later is an event of its own.
            pipeline.hmget(part.message(transaction_id), "p0", "p")
        payloads = [first or newest for first, newest in await self._client.execute(pipeline)]
        return {
            transaction_id: Envelope.model_validate_json(unpacked(payload))
            for transaction_id, payload in zip(ids, payloads, strict=True)
            if payload is not None
        }


def _fields(flat: Sequence[bytes] | dict[bytes, bytes]) -> dict[bytes, bytes]:
    if isinstance(flat, dict):
        return flat
    return dict(zip(flat[::2], flat[1::2], strict=True))
