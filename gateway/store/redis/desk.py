"""The buffer as staff see it: look at a message, change it, give it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gateway.canonical.envelope import partition_of_transaction, partition_within
from gateway.canonical.exchange import Case, Discarded, Edited, Edition, Refusal, StaffRefused
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.packing import packed, unpacked

_FIELDS: Final = ("o", "s", "cause", "det", "ed", "n", "at", "p")
_TOLD: Final = "it follows {}, which staff discarded: discard it too, or correct and retry it"


class RedisDesk:
    """:class:`gateway.ports.Desk` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def case(self, transaction_id: str) -> Case | None:
        """Return a message the buffer has."""
        number = partition_within(transaction_id, len(self._partitions))
        if number is None:
            return None
        part = self._partitions[number]
        found = await self._client.command("HMGET", part.message(transaction_id), *_FIELDS)
        if found[0] is None:
            return None
        object_key = found[0].decode()
        bucket, field = keys.field(object_key)
        owner = await self._client.command("HGET", part.owners(bucket), field)
        since_ms = int(found[6]) if found[6] else None
        return Case(
            transaction_id=transaction_id,
            object_key=object_key,
            state=found[1].decode(),
            cause=(found[2] or b"").decode(),
            detail=(found[3] or b"").decode("utf-8", "replace"),
            owner=Target(owner.decode()) if owner else None,
            revision=int(found[4] or 0),
            attempts=int(found[5] or 0),
            open_since_ms=since_ms,
            open_ms=None if since_ms is None else await self._client.server_ms() - since_ms,
            payload=unpacked(found[7]),
        )

    async def edit(
        self, case: Case, edition: Edition, by: str, reason: str, *, early: bool = False
    ) -> Edited | StaffRefused:
        """Replace a message's content, if it still is as ``case`` says."""
        answer = await self._run(
            "edit", case, packed(edition.payload), edition.body, by, reason, edition.patch,
            1 if early else 0,
        )  # fmt: skip
        return Edited(int(answer[1])) if answer[0] == b"ok" else _refused(answer)

    async def discard(
        self, case: Case, by: str, reason: str, *, creates: bool, absent: bool,
        before: str = "",
    ) -> Discarded | StaffRefused:  # fmt: skip
        """Give a message up, if it still is as ``case`` says."""
        answer = await self._run(
            "discard", case, by, reason, 1 if creates else 0,
            case.open_since_ms if absent and case.open_since_ms is not None else "",
            Cause.ORDER_DISCARDED.value, _TOLD.format(case.transaction_id),
            keys.field(case.object_key)[1], before,
        )  # fmt: skip
        return Discarded(answer[1].decode()) if answer[0] == b"ok" else _refused(answer)

    async def _run(self, name: str, case: Case, *args: object) -> Sequence[Any]:
        part = self._partitions[partition_of_transaction(case.transaction_id)]
        bucket, _ = keys.field(case.object_key)
        answer: Sequence[Any] = await self._client.script(
            name, [part.message(case.transaction_id), part.owners(bucket)],
            part.prefix, self._client.now_ms, case.transaction_id, case.revision, *args,
        )  # fmt: skip
        return answer


def _refused(answer: Sequence[bytes]) -> StaffRefused:
    return StaffRefused(Refusal(answer[0].decode()), answer[1].decode() if answer[1:] else "")
