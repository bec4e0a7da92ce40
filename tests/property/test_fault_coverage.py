"""No script is left out: those of recoveries, evictions and registers leave no half state either.

As :mod:`tests.property.test_script_faults`; and what both look at together has to be every script
that writes. The scripts of a quota are apart: what is lost of it counts as used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Lease, Record
from gateway.canonical.exchange.owning import Owner
from gateway.canonical.exchange.recovering import Doubtful
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.store.redis import keys
from gateway.store.redis.client import Call, Client, script_texts
from gateway.store.redis.duties import RedisDuties
from gateway.store.redis.forgetting import RedisForgetting
from gateway.store.redis.recovery import RedisRecovery
from tests.property.spoiling import Prepare, Work, prepared, spoilt
from tests.property.test_script_faults import (
    KEY,
    PART,
    SETTLING,
    TAKING,
    message,
    sought,
    two,
)
from tests.valkey import NOW_MS, PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def recovery_of(buffer: Buffer) -> RedisRecovery:
    return RedisRecovery(buffer.client, PARTITIONS, SystemClock())


def lost(number: int, owner: str = "legacy", process: str = "order.intake") -> Record:
    """What the ledger knows of a message that the buffer lost."""
    one = message(number, process=process)
    return Record(
        transaction_id=one.transaction_id, partition=PART, process=process, channel="webshop",
        object_key=KEY, reference=str(number), owner=owner, state="sent", document="", result="",
        cause="", detail="", accepted_at=NOW, settled_at=None, rule_id="r", rule_version="v1",
        attempts=1, facts={}, body={},
    )  # fmt: skip


async def recover(buffer: Buffer) -> Work:
    lease = await two(buffer)
    return lambda: recovery_of(buffer).begin(lease, "9999999999999-0", Marker(2, "v2"))


async def doubt(buffer: Buffer) -> Work:
    """Another owner than the buffer thinks: the object changes its lane as well."""
    lease, it = await two(buffer), Doubtful(KEY)
    return lambda: recovery_of(buffer).doubt(lease, it, Target.CLOUD)


async def restore(buffer: Buffer) -> Work:
    return await restored(buffer, await buffer.lease_of(KEY), lost(1))


async def restore_behind(buffer: Buffer) -> Work:
    """An urgent one joins what waits, and lends it its class."""
    return await restored(buffer, await two(buffer), lost(3, process="order.cancellation"))


async def restore_without_owner(buffer: Buffer) -> Work:
    return await restored(buffer, await buffer.lease_of(KEY), lost(1, owner=""))


async def restored(buffer: Buffer, lease: Lease, record: Record) -> Work:
    """Claims are bound apart, and before; what is left is the script."""
    await recovery_of(buffer).restore(lease, replace(record, owner=""), waits=False)
    return lambda: recovery_of(buffer).restore(lease, record, waits=True)


async def reopen(buffer: Buffer) -> Work:
    await buffer.book.begin(0, "v1", "apply", "ann")
    return lambda: recovery_of(buffer).reopen(Marker(3, "v3"))


async def forget(buffer: Buffer) -> Work:
    await buffer.client.command("HSET", *owned())
    known = Owner(KEY, "legacy", NOW, "rules")
    return lambda: RedisForgetting(buffer.client, PARTITIONS).forget([known])


def owned() -> tuple[bytes | str, bytes | str, str]:
    bucket, field = keys.field(KEY)
    return keys.partition_keys(PARTITIONS)[PART].owners(bucket), field, "legacy"


async def later(buffer: Buffer) -> Work:
    seeking, found = await sought(buffer)
    return lambda: seeking.later(found, 500)


async def duty(buffer: Buffer) -> Work:
    return lambda: RedisDuties(buffer.client).is_on("pull", "g1", 5000)


async def look(buffer: Buffer) -> Work:
    return lambda: buffer.book.look("g1", 1, 5000)


async def note(buffer: Buffer) -> Work:
    return lambda: buffer.lanes.workers("w1", 5000)


async def alive(buffer: Buffer) -> Work:
    await buffer.lanes.workers("w1", 5000)
    buffer.later(5001)
    return buffer.lanes.alive


OTHERS = (
    recover, doubt, restore, restore_behind, restore_without_owner, reopen, forget, later, duty,
    look, note, alive,
)  # fmt: skip


@pytest.mark.parametrize("prepare", OTHERS, ids=lambda it: it.__name__)
async def test_a_key_of_a_wrong_type_leaves_no_half_state(buffer: Buffer, prepare: Prepare) -> None:
    await spoilt(buffer, prepare)


async def test_every_script_that_writes_is_tried(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: set[str] = set()
    packed = Client.packed

    def recorded(client: Client, calls: Sequence[Call]) -> bytes:
        ran.update(name for name, _, _ in calls)
        return packed(client, calls)

    monkeypatch.setattr(Client, "packed", recorded)
    for prepare in (*TAKING, *SETTLING, *OTHERS):
        run = await prepared(buffer, prepare)
        await run()
    writing = {name for name, text in script_texts().items() if "no-writes" not in text[:80]}
    assert {it for it in writing - ran if not it.startswith("quota_")} == set()
