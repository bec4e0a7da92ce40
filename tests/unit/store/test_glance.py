"""Which partitions have something to do: all of those, none of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import Marker, partition_of
from gateway.canonical.exchange import Lease
from gateway.canonical.process import Target
from gateway.flow.project import Projector
from gateway.store.ledger import open_ledger
from gateway.store.redis.glance import RedisGlance
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio


@pytest.fixture
def glance(buffer: Buffer) -> RedisGlance:
    return RedisGlance(buffer.client, PARTITIONS)


LEASES = [Lease(partition, 1) for partition in range(PARTITIONS)]


def numbers(leases: list[Lease]) -> set[int]:
    return {lease.partition for lease in leases}


async def test_nothing_is_picked_where_nothing_is(buffer: Buffer, glance: RedisGlance) -> None:
    await buffer.under(Marker(0, ""))
    for pick in (glance.with_parked, glance.with_sought):
        assert await pick(LEASES) == []
        assert await pick([]) == []


async def test_events_are_picked_until_the_ledger_has_them(
    buffer: Buffer, glance: RedisGlance, tmp_path: Path
) -> None:
    taken = entry("A-1")
    await buffer.intake.accept(taken)
    at = partition_of(taken.object_key, PARTITIONS)
    assert at in numbers(await glance.with_events(LEASES))
    assert numbers(await glance.with_events([LEASES[at]])) == {at}
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    try:
        for lease in LEASES:
            await Projector(buffer.feed, ledger).project(lease)
    finally:
        await ledger.close()
    assert await glance.with_events(LEASES) == [], "a stream that is empty stays"


async def test_parked_and_sought_objects_are_picked(buffer: Buffer, glance: RedisGlance) -> None:
    parked = entry("A-1", target=Target.HOLD)
    await buffer.intake.accept(parked)
    sought = replace(entry("A-2", process="return.credit", target=None), undecided=True)
    await buffer.intake.accept(sought)
    at = {one: partition_of(one.object_key, PARTITIONS) for one in (parked, sought)}
    assert numbers(await glance.with_parked(LEASES)) == {at[parked]}
    assert numbers(await glance.with_sought(LEASES)) == {at[sought]}
