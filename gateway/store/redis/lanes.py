"""The buffer as a worker sees it: lease, take, attempt, settle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from gateway.canonical.envelope import partition_of, partition_of_transaction
from gateway.canonical.exchange import Awaiting, Lease, Parked, Ready, Taken
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Priority, Target
from gateway.errors import FencedOut
from gateway.policy.fairness import Fairness
from gateway.store.redis import keys
from gateway.store.redis.backlog import RedisBacklog
from gateway.store.redis.client import Call, Client, Reply
from gateway.store.redis.commit import GroupCommit
from gateway.store.redis.packing import unpacked

DETAIL_CHARS_MAX = 500


class RedisLanes:
    """:class:`gateway.ports.Lanes` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._commit = GroupCommit(client)
        self._partitions = keys.partition_keys(partitions)
        self._backlog = RedisBacklog(client, partitions)
        self._fairness = Fairness()

    def favour(self, fairness: Fairness) -> None:
        """Choose by other weights, ages or pauses from the next take on."""
        self._fairness = fairness

    async def lease(self, partition: int, holder: str, lease_ms: int) -> Lease | None:
        """Take a free or expired partition; objects its last holder had in flight come back."""
        part = self._partitions[partition]
        token = await self._client.script(
            "lease", [part.lease], part.prefix, self._client.now_ms, holder, lease_ms
        )
        return None if token is None else Lease(partition, int(token))

    async def renew(self, leases: Sequence[Lease], lease_ms: int) -> Sequence[Lease]:
        """Prolong leases; return those still held."""
        answers = await self._client.scripts(
            [self._call("renew", lease, lease_ms) for lease in leases]
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [lease for lease, kept in zip(leases, answers, strict=True) if kept == 1]

    async def release(self, lease: Lease) -> None:
        """Give a partition back at once."""
        await self._run("renew", lease, 0)

    async def workers(self, holder: str, ttl_ms: int) -> int:
        """Say that ``holder`` lives for ``ttl_ms`` (0: leaves); return how many workers do."""
        await self._client.note_alive(keys.WORKERS, holder, ttl_ms)
        return await self.alive()

    async def alive(self) -> int:
        """Return how many workers live."""
        return len(await self._client.alive(keys.WORKERS))

    async def backlog(self) -> Mapping[str, int]:
        """Count what waits, over all partitions (:meth:`Backlog.places`)."""
        return (await self._backlog.read()).places()

    async def ready(self, leases: Sequence[Lease], erp: Target) -> Mapping[Lease, Ready]:
        """Count what each leased partition has to do for an ERP now."""
        calls = []
        for lease in leases:
            part = self._partitions[lease.partition]
            chosen = (self._fairness.rise_ms, int(self._fairness.paused_from))
            args = (part.prefix, self._client.now_ms, erp.value, *chosen)
            calls.append(("ready", [part.lease], args))
        found = {}
        for lease, answer in zip(leases, await self._client.scripts(calls), strict=True):
            if isinstance(answer, BaseException):
                raise answer
            polls, a, b, c, d, *since = map(int, answer)
            w, x, y, z = (inf if it < 0 else it for it in since)
            found[lease] = Ready((a, b, c, d), polls, (w, x, y, z))
        return found

    async def take(self, lease: Lease, erp: Target, count: int) -> Sequence[Taken]:
        """Take up to ``count`` objects, the most urgent class first, the longest waiting first."""
        rows = _unfenced(
            lease, await self._run("take", lease, erp.value, count, *self._fairness.arguments())
        )
        return [
            Taken(
                lease=lease,
                transaction_id=transaction_id.decode(),
                object_key=object_key.decode(),
                owner=erp,
                takes=int(takes),
                attempts=int(attempts),
                open_ms=None if open_ms < 0 else int(open_ms),
                payload=unpacked(payload),
                released=int(released),
                number=int(number),
            )
            for (
                object_key, transaction_id, takes, attempts, open_ms, payload, released, number,
            ) in rows
        ]  # fmt: skip

    async def attempt(self, taken: Taken, shaped_by: str = "") -> bool:
        """Record, durably, that a send begins now; False if it is no longer ours to send.

        ``shaped_by`` names the crosswalk versions that shaped what is sent.
        """
        answer = await self._run(
            "attempt", taken.lease, taken.owner.value, taken.object_key, taken.transaction_id,
            taken.number, shaped_by,
        )  # fmt: skip
        return int(answer) > 0

    async def book(self, transaction_id: str, document: str, result: str) -> None:
        """Record that it is booked. A booking is a fact: no token is asked for."""
        part = self._partitions[partition_of_transaction(transaction_id)]
        await self._commit.run(
            "book", [part.message(transaction_id)],
            part.prefix, self._client.now_ms, transaction_id, document, result, "booked",
        )  # fmt: skip

    async def give_up(self, transaction_id: str) -> None:
        """Record that staff gave it up: the ledger says so, and the buffer had forgotten."""
        part = self._partitions[partition_of_transaction(transaction_id)]
        await self._client.script(
            "book", [part.message(transaction_id)],
            part.prefix, self._client.now_ms, transaction_id, "", "", "discarded",
        )  # fmt: skip

    async def stored(self, taken: Taken, document: str, poll_after_ms: int) -> bool:
        """Record that the ERP keeps the document; it is polled from now on."""
        answer = await self._run(
            "stored", taken.lease, taken.owner.value, taken.object_key, taken.transaction_id,
            document, poll_after_ms, taken.number,
        )  # fmt: skip
        return bool(answer)

    async def defer(
        self, taken: Taken, delay_ms: int, *, unknown: bool, reason: str, outcome: bool = True
    ) -> bool:
        """Put the object back for later; ``unknown`` leaves the attempt open, to be probed."""
        answer = await self._run(
            "defer", taken.lease, taken.object_key, taken.transaction_id, delay_ms,
            1 if unknown else 0, reason[:DETAIL_CHARS_MAX], 1 if outcome else 0, taken.number,
        )  # fmt: skip
        return bool(answer)

    async def untake(self, taken: Taken) -> bool:
        """Put an object back that nobody has looked at, as if it had not been taken."""
        object_key, transaction_id = taken.object_key, taken.transaction_id
        answer = await self._run("untake", taken.lease, object_key, transaction_id, taken.number)
        return bool(answer)

    async def hold(
        self,
        taken: Taken | Awaiting,
        cause: Cause,
        detail: str,
        retry_ms: tuple[int, int] | None = None,
    ) -> bool:
        """Stop this object until staff act, or let it wait until it is to be tried again."""
        first, longest = retry_ms or ("", "")
        answer = await self._run(
            "hold", taken.lease, taken.object_key, taken.transaction_id, cause.value,
            detail[:DETAIL_CHARS_MAX], first, longest, taken.number,
            1 if isinstance(taken, Awaiting) else 0,
        )  # fmt: skip
        return bool(answer)

    async def wake(self, lease: Lease, count: int) -> int:
        """Let up to ``count`` messages be tried again whose wait for a cause is over."""
        due = _unfenced(lease, await self._run("due", lease, count))
        for transaction_id in due:
            await self._release(transaction_id.decode(), "schedule", anew=False)
        return len(due)

    async def release_held(
        self, transaction_id: str, by: str, priority: Priority | None = None
    ) -> bool:
        """Let a message that is held or waits for a cause be tried again; False if it does not."""
        return await self._release(transaction_id, by, anew=True, priority=priority)

    async def _release(
        self, transaction_id: str, by: str, *, anew: bool, priority: Priority | None = None
    ) -> bool:
        part = self._partitions[partition_of_transaction(transaction_id)]
        message = part.message(transaction_id)
        object_key = await self._client.command("HGET", message, "o")
        if object_key is None:
            return False
        bucket, field = keys.field(object_key.decode())
        answer = await self._client.script(
            "release", [message, part.owners(bucket)],
            part.prefix, self._client.now_ms, transaction_id, by, field, 1 if anew else 0,
            "" if priority is None else int(priority),
        )  # fmt: skip
        return bool(answer)

    async def awaiting(
        self, lease: Lease, erp: Target, count: int, again_ms: int
    ) -> Sequence[Awaiting]:
        """Return stored documents due for a poll, and put their next poll ``again_ms`` ahead."""
        answer = await self._run("awaiting", lease, erp.value, count, again_ms)
        return [
            Awaiting(
                lease, transaction_id.decode(), object_key.decode(), document.decode(), int(number)
            )
            for transaction_id, object_key, document, number in _unfenced(lease, answer)
        ]

    async def parked(self, lease: Lease, since_ms: int, first: int, count: int) -> Sequence[Parked]:
        """Return a page of the objects parked under a hold route since ``since_ms``."""
        answer = await self._run("parked", lease, since_ms, first, count)
        return [
            Parked(
                lease=lease,
                transaction_id=transaction_id.decode(),
                object_key=object_key.decode(),
                owner=Target(owner.decode()) if owner else None,
                payload=unpacked(payload),
                since_ms=int(since_ms),
            )
            for object_key, transaction_id, owner, payload, since_ms in _unfenced(lease, answer)
        ]

    async def reroute(self, parked: Parked, epoch: int, target: Target | None) -> bool:
        """Send a parked object on, if the partition is still under ``epoch``."""
        part = self._partitions[partition_of(parked.object_key, len(self._partitions))]
        bucket, field = keys.field(parked.object_key)
        answer = await self._client.script(
            "reroute", [part.lease, part.rules, part.owners(bucket)],
            part.prefix, self._client.now_ms, parked.lease.token, epoch, parked.object_key,
            parked.transaction_id, target.value if target else "owner", field,
        )  # fmt: skip
        return bool(answer)

    def _call(self, name: str, lease: Lease, *args: object) -> Call:
        part = self._partitions[lease.partition]
        return name, [part.lease], (part.prefix, self._client.now_ms, lease.token, *args)

    async def _run(self, name: str, lease: Lease, *args: object) -> Reply:
        script, script_keys, script_args = self._call(name, lease, *args)
        return await self._commit.run(script, script_keys, *script_args)


def _unfenced(lease: Lease, answer: Sequence[Any]) -> Sequence[Any]:
    if answer[0] == b"fenced":
        raise FencedOut(
            f"partition {lease.partition}: token {lease.token} is not the newest any more"
        )
    return answer[1:]
