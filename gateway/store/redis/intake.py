"""The buffer as the API sees it: reserve, accept, and look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.canonical.envelope import (
    Envelope,
    Marker,
    partition_of,
    partition_of_transaction,
    partition_within,
)
from gateway.canonical.exchange import (
    AcceptAnswer,
    Accepted,
    Clash,
    Entry,
    Ownerless,
    Progress,
    Replay,
    Stale,
)
from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.commit import GroupCommit
from gateway.store.redis.packing import packed, unpacked

_PROGRESS = ("p", "s", "doc", "res", "cause", "sm", "o")


class RedisIntake:
    """:class:`gateway.ports.Intake` on Redis."""

    def __init__(self, client: Client, partitions: int, clock: Clock) -> None:
        self._client = client
        self._commit = GroupCommit(client)
        self._partitions = keys.partition_keys(partitions)
        self._clock = clock
        self._generation_known = 0
        self._generation_until_s = float("-inf")

    async def reserve(
        self, key: str, transaction_id: str, digest: bytes
    ) -> Accepted | Replay | Clash:
        """Bind an idempotency key to a transaction id and a body, or say what it is bound to."""
        part = self._partitions[partition_of(key, len(self._partitions))]
        bucket, field = keys.field(key)
        generation = self._generation()
        answer = await self._commit.run(
            "reserve",
            [part.claims(generation + step, bucket) for step in (0, -1, 1)],
            self._client.now_ms,
            field,
            transaction_id,
            digest,
            _expiry_ms(generation),
        )
        return _claim_answer(answer)

    async def accept(self, entry: Entry) -> AcceptAnswer:
        """Claim, own and enqueue in one step; durable when it returns."""
        part = self._partitions[partition_of_transaction(entry.transaction_id)]
        claim = keys.field(entry.claim)
        owner_bucket, owner_field = keys.field(entry.object_key)
        generation = self._generation()
        sought = entry.undecided and entry.target is not Target.HOLD
        answer = await self._commit.run(
            "accept",
            part.accept_keys(
                entry.object_key, claim, owner_bucket, generation,
                entry.transaction_id, entry.priority, entry.channel,
                "sought" if sought else "parked",
            ),
            part.prefix,
            self._client.now_ms,
            entry.epoch,
            entry.transaction_id,
            claim[1],
            entry.digest,
            entry.object_key,
            owner_field,
            entry.target.value if entry.target else "owner",
            2 if entry.undecided else 1 if entry.follow_up else 0,
            entry.priority,
            packed(entry.payload),
            1 if entry.pipelined else 0,
            entry.owner_found.value if entry.owner_found else "",
            _expiry_ms(generation),
            entry.channel,
        )  # fmt: skip
        if answer[0] == b"stale":
            return Stale(Marker(int(answer[1]), answer[2].decode()))
        if answer[0] == b"ownerless":
            return Ownerless()
        return _claim_answer(answer)

    async def progress(self, transaction_id: str) -> Progress | None:
        """Return a transaction the buffer still holds."""
        found = await self._progress([transaction_id])
        return found[0] if found else None

    async def progress_of(self, object_key: str) -> Sequence[Progress]:
        """Return the object's transactions that are not yet (only) in the ledger, in order."""
        part = self._partitions[partition_of(object_key, len(self._partitions))]
        both = self._client.redis.pipeline(transaction=True)  # nothing may move between the two
        both.lrange(part.unprojected(object_key), 0, -1)
        both.lrange(part.fifo(object_key), 0, -1)
        gone, waiting = await self._client.execute(both)
        return await self._progress([raw.decode() for raw in dict.fromkeys([*gone, *waiting])])

    async def claimed(self, object_key: str, claim: str) -> str | None:
        """Return the transaction id a claim was taken under."""
        part = self._partitions[partition_of(object_key, len(self._partitions))]
        bucket, field = keys.field(claim)
        generation = self._generation()
        claims = [part.claims(generation + step, bucket) for step in (0, -1, 1)]
        answer = await self._commit.run("claimed", claims, field)
        return answer.decode() or None

    async def owner(self, object_key: str) -> Target | None:
        """Return the owner the buffer knows."""
        part = self._partitions[partition_of(object_key, len(self._partitions))]
        bucket, field = keys.field(object_key)
        value = await self._client.command("HGET", part.owners(bucket), field)
        return Target(value.decode()) if value else None

    async def _progress(self, transaction_ids: Sequence[str]) -> list[Progress]:
        found = []
        for transaction_id in transaction_ids:
            number = partition_within(transaction_id, len(self._partitions))
            if number is None:
                continue
            part = self._partitions[number]
            values = await self._client.command("HMGET", part.message(transaction_id), *_PROGRESS)
            if values[0] is not None:
                owner = await self.owner(values[6].decode())
                found.append(_as_progress(values, owner))
        return found

    def _generation(self) -> int:
        """Return the generation claims are made in now; it is looked up once a second.

        Neighbours are searched too, so a second at the border, or a clock that jumps, is harmless.
        """
        now_s = self._clock.monotonic_s()
        if now_s >= self._generation_until_s:
            self._generation_until_s = now_s + 1
            now_ms = int(self._clock.now().timestamp() * 1000)
            self._generation_known = now_ms // keys.GENERATION_MS
        return self._generation_known


def _as_progress(values: Sequence[Any], owner: Target | None) -> Progress:
    payload, state, document, result, cause, settled_ms, _ = values
    return Progress(
        envelope=Envelope.model_validate_json(unpacked(payload)),
        state=state.decode(),
        owner=owner,
        document=(document or b"").decode(),
        result=(result or b"").decode(),
        cause=(cause or b"").decode(),
        settled_ms=int(settled_ms or 0),
    )


def _claim_answer(answer: Sequence[bytes]) -> Accepted | Replay | Clash:
    kind, transaction_id = answer[0], answer[1].decode()
    if kind == b"ok":
        return Accepted(transaction_id, int(answer[2]))
    if kind == b"replay":
        return Replay(transaction_id, int(answer[2]))
    return Clash(transaction_id)


def _expiry_ms(generation: int) -> int:
    """A generation is searched until the end of the one after it."""
    return (generation + 2) * keys.GENERATION_MS
