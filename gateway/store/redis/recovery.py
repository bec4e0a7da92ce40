"""A partition that is behind the ledger: what is put in doubt, what is put back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Doubtful, Lease, Record, Standing
from gateway.canonical.process import ERPS, PROCESSES, Kind, Target
from gateway.clock import Clock
from gateway.errors import FencedOut
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.packing import packed

#: The digest of a body that nobody knows any more: any repeat of the reference is taken for equal.
UNKNOWN_DIGEST: Final = bytes(16)

_PAGE: Final = 500


class RedisRecovery:
    """:class:`gateway.ports.Recovery` on Redis."""

    def __init__(self, client: Client, partitions: int, clock: Clock) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)
        self._clock = clock

    async def standings(self) -> Sequence[Standing]:
        """Return how far each partition is, in two round trips: every lease asks for it."""
        asked = self._client.redis.pipeline(transaction=False)
        for part in self._partitions:
            asked.execute_command("EXISTS", part.events)
            asked.execute_command("HGET", part.rules, "rec")
        answers = await self._client.execute(asked)
        there = [part for part, it in zip(self._partitions, answers[::2], strict=True) if it]
        for part in there:
            asked.execute_command("XINFO", "STREAM", part.events)
        streams = await self._client.execute(asked) if there else []
        newest = {
            part.events: _text(_plain(it)["last-generated-id"])
            for part, it in zip(there, streams, strict=True)
        }
        return [
            Standing(newest.get(part.events, "0-0"), _text(since or b""))
            for part, since in zip(self._partitions, answers[1::2], strict=True)
        ]

    async def begin(self, lease: Lease, checkpoint: str, marker: Marker) -> tuple[Lease, str]:
        """Begin or resume; return the lease under its new token, and where the buffer ended."""
        part = self._partitions[lease.partition]
        newest = (await self.standings())[lease.partition].newest
        ms, number = checkpoint.split("-")
        behind = _position(newest) < _position(checkpoint)
        answer = await self._client.script(
            "recover", [part.lease, part.rules, part.events],
            part.prefix, self._client.now_ms, lease.token, newest,
            f"{ms}-{int(number) + 1}" if behind else "", marker.epoch, marker.version,
        )  # fmt: skip
        if answer is None:
            raise _fenced(lease)
        return Lease(lease.partition, int(answer[0])), _text(answer[1])

    async def waiting(self, partition: int) -> AsyncIterator[Doubtful]:
        """Go through every object that waits, and every message held beside its fifo."""
        part = self._partitions[partition]
        objects, messages = ["parked", "sought", "flight"], ["held", "waits"]
        for erp in ERPS:
            messages.append(f"w:{erp.value}")
            for raw in await self._client.command("HKEYS", f"{part.prefix}q:{erp.value}"):
                flow = _text(raw)
                if flow[0] == flow[1]:
                    objects.append(f"l:{erp.value}:{flow[1:]}")
        for name in objects:
            async for member in self._members(f"{part.prefix}{name}"):
                yield Doubtful(member)
        for name in messages:
            async for member in self._members(f"{part.prefix}{name}"):
                object_key = await self._client.command("HGET", part.message(member), "o")
                if object_key is not None:
                    yield Doubtful(_text(object_key), member)

    async def _members(self, key: str) -> AsyncIterator[str]:
        cursor = b"0"
        while True:
            cursor, flat = await self._client.command("ZSCAN", key, cursor, "COUNT", _PAGE)
            for member in [it[0] if isinstance(it, tuple) else it for it in _members(flat)]:
                yield _text(member)
            if int(cursor) == 0:
                return

    async def messages_of(self, partition: int, object_key: str) -> Sequence[str]:
        """Return the waiting messages of an object."""
        fifo = f"{self._partitions[partition].prefix}f:{object_key}"
        return [_text(it) for it in await self._client.command("LRANGE", fifo, 0, -1)]

    async def doubt(self, lease: Lease, it: Doubtful, owner: Target | None) -> None:
        """Let the outcome of what waits count as unknown, under the owner the ledger knows."""
        part = self._partitions[lease.partition]
        bucket, field = keys.field(it.object_key)
        answer = await self._client.script(
            "doubt", [part.lease, part.owners(bucket)],
            part.prefix, self._client.now_ms, lease.token, it.object_key, field,
            owner.value if owner else "", it.transaction_id,
        )  # fmt: skip
        if answer < 0:
            raise _fenced(lease)

    async def restore(self, lease: Lease, record: Record, *, waits: bool) -> None:
        """Put claim, owner and, if it waits, the message of a lost transaction back."""
        await self._restore_claim(record)
        part = self._partitions[lease.partition]
        bucket, field = keys.field(record.object_key)
        if not waits:
            if record.owner:
                await self._client.command("HSETNX", part.owners(bucket), field, record.owner)
            return
        process = PROCESSES[record.process]
        answer = await self._client.script(
            "restore",
            [part.lease, part.message(record.transaction_id), part.owners(bucket)],
            part.prefix, self._client.now_ms, lease.token, record.transaction_id,
            record.object_key, field, record.owner, int(process.priority), record.channel,
            1 if process.pipelined else 0, record.attempts,
            packed(record.envelope.model_dump_json().encode()),
            1 if process.kind is Kind.FOLLOW_UP else 0,
        )  # fmt: skip
        if answer < 0:
            raise _fenced(lease)

    async def _restore_claim(self, record: Record) -> None:
        """Bind the reference again. The body it was taken with is not known by its digest."""
        part = self._partitions[record.partition]
        bucket, field = keys.field(f"{record.channel}|{record.process}|{record.reference}")
        generation = int(self._clock.now().timestamp() * 1000) // keys.GENERATION_MS
        accepted_ms = int(record.accepted_at.timestamp() * 1000)
        value = record.transaction_id.encode() + UNKNOWN_DIGEST + str(accepted_ms).encode()
        claims = part.claims(generation, bucket)
        await self._client.command("HSETNX", claims, field, value)
        await self._client.command("PEXPIREAT", claims, (generation + 2) * keys.GENERATION_MS)

    async def reopen(self, marker: Marker) -> None:
        """Bring the rule book to what the ledger knows to be in force."""
        await self._client.script("reopen", [keys.BOOK], marker.epoch, marker.version)

    async def end(self, lease: Lease) -> None:
        """Say that the partition is whole."""
        await self._client.command("HDEL", self._partitions[lease.partition].rules, "rec")


def _members(flat: Sequence[object]) -> Sequence[object]:
    """ZSCAN answers pairs, or one flat list, by the protocol in use."""
    return flat if flat and isinstance(flat[0], tuple) else flat[::2]


def _plain(answer: object) -> dict[str, bytes | str]:
    """XINFO answers a mapping or a flat list, by the protocol in use."""
    if isinstance(answer, dict):
        return {_text(key): value for key, value in answer.items()}
    flat = list(answer)  # type: ignore[call-overload]  # -- a list, by the protocol
    return {_text(key): value for key, value in zip(flat[::2], flat[1::2], strict=True)}


def _text(raw: bytes | str | object) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def _position(sequence: str) -> tuple[int, int]:
    ms, _, number = sequence.partition("-")
    return int(ms), int(number)


def _fenced(lease: Lease) -> FencedOut:
    return FencedOut(f"partition {lease.partition}: token {lease.token} is not the newest any more")
