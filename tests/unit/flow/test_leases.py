"""Leases: a fair share without a coordinator, and none believed in for too long."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from gateway.canonical.envelope import partition_of
from gateway.canonical.exchange import Lease
from gateway.canonical.process import Target
from gateway.errors import StoreUnavailable
from gateway.flow.leases import LeaseKeeper
from tests.unit.flow.doubles import StillClock
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEASE_MS = 5000


def keeper(buffer: Buffer, name: str, clock: StillClock) -> LeaseKeeper:
    return LeaseKeeper(buffer.lanes, clock, name, PARTITIONS, LEASE_MS, Random(name))


def partitions(one: LeaseKeeper) -> set[int]:
    return {lease.partition for lease in one.held()}


async def test_one_worker_serves_all_partitions(buffer: Buffer) -> None:
    alone = keeper(buffer, "w1", StillClock())
    await alone.tick()
    assert partitions(alone) == set(range(PARTITIONS))


async def test_a_second_worker_gets_its_share_and_no_partition_has_two_masters(
    buffer: Buffer,
) -> None:
    clock = StillClock()
    first, second = keeper(buffer, "w1", clock), keeper(buffer, "w2", clock)
    await first.tick()
    for _ in range(3):
        buffer.later(1)
        await second.tick()
        await first.tick()
    assert len(partitions(first)) == len(partitions(second)) == PARTITIONS // 2
    assert partitions(first) | partitions(second) == set(range(PARTITIONS))


async def test_the_partitions_of_a_dead_worker_are_taken_over(buffer: Buffer) -> None:
    clock = StillClock()
    dead, living = keeper(buffer, "w1", clock), keeper(buffer, "w2", clock)
    await dead.tick()
    buffer.later(LEASE_MS + 1)
    await living.tick()
    assert partitions(living) == set(range(PARTITIONS))


async def test_a_worker_stops_believing_before_its_lease_ends(buffer: Buffer) -> None:
    clock = StillClock()
    worker = keeper(buffer, "w1", clock)
    await worker.tick()
    (lease, *_) = worker.held()
    clock.passed_s += LEASE_MS / 1000 * 0.79
    assert worker.holds(lease)
    clock.passed_s += LEASE_MS / 1000 * 0.02
    assert not worker.holds(lease)
    assert worker.held() == ()


async def test_a_worker_that_leaves_gives_everything_back_at_once(buffer: Buffer) -> None:
    clock = StillClock()
    first, second = keeper(buffer, "w1", clock), keeper(buffer, "w2", clock)
    await first.tick()
    await first.leave()
    buffer.later(1)
    await second.tick()
    assert partitions(second) == set(range(PARTITIONS))


async def test_while_the_store_is_silent_leases_run_out_by_the_worker_s_own_clock(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StillClock()
    worker = keeper(buffer, "w1", clock)
    await worker.tick()

    async def silent(*_: object) -> None:
        raise StoreUnavailable("silent")

    monkeypatch.setattr(buffer.lanes, "renew", silent)
    clock.passed_s += LEASE_MS / 1000
    await worker.tick()
    assert worker.held() == ()


async def test_a_full_store_is_served_on_so_that_it_drains(buffer: Buffer) -> None:
    worker = keeper(buffer, "w1", StillClock())
    await buffer.client.command("CONFIG", "SET", "maxmemory", "1")
    try:
        await worker.tick()
        assert partitions(worker) == set(range(PARTITIONS))
        buffer.later(LEASE_MS // 2)
        await worker.tick()
        assert len(partitions(worker)) == PARTITIONS
    finally:
        await buffer.client.command("CONFIG", "SET", "maxmemory", "0")


async def test_a_lease_lost_while_it_is_renewed_is_taken_anew_and_brings_back_what_was_in_flight(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = keeper(buffer, "w1", StillClock())
    await worker.tick()
    one = entry("A-1")
    await buffer.intake.accept(one)
    (lost,) = (
        it for it in worker.held() if it.partition == partition_of(one.object_key, PARTITIONS)
    )
    assert await buffer.lanes.take(lost, Target.LEGACY, 1), "and the store's answer never comes"
    renew = buffer.lanes.renew

    async def overtaken(leases: Sequence[Lease], lease_ms: int) -> Sequence[Lease]:
        kept = await renew(leases, lease_ms)
        worker.lost(lost)
        return kept

    monkeypatch.setattr(buffer.lanes, "renew", overtaken)
    await worker.tick()
    assert lost not in worker.held()
    assert partitions(worker) == set(range(PARTITIONS))
    (anew,) = (it for it in worker.held() if it.partition == lost.partition)
    (taken,) = await buffer.lanes.take(anew, Target.LEGACY, 1)
    assert taken.transaction_id == one.transaction_id


async def test_a_worker_leaves_a_store_that_is_away_without_a_word(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = keeper(buffer, "w1", StillClock())
    await worker.tick()

    async def away(_: Lease) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(buffer.lanes, "release", away)
    await worker.leave()
    assert worker.held() == ()
