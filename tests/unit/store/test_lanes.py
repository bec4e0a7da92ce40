"""Leases, takes, attempts and settlements: order, fencing, and no second send unasked."""

from __future__ import annotations

import pytest

from gateway.canonical.envelope import Marker, order_key, partition_of
from gateway.canonical.exchange import Entry, Taken
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import FencedOut
from gateway.store.redis import keys
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY


async def taken_head(buffer: Buffer, one: Entry, holder: str = "w1") -> Taken:
    lease = await buffer.lease_of(one.object_key, holder)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 5)
    return taken


async def test_one_worker_holds_a_partition_until_its_lease_runs_out(buffer: Buffer) -> None:
    first = await buffer.lanes.lease(0, "w1", 5000)
    assert first is not None
    assert await buffer.lanes.lease(0, "w2", 5000) is None
    buffer.later(5001)
    second = await buffer.lanes.lease(0, "w2", 5000)
    assert second is not None
    assert second.token > first.token


async def test_a_renewed_lease_lives_on_and_a_lost_one_is_not_renewed(buffer: Buffer) -> None:
    lease = await buffer.lanes.lease(0, "w1", 5000)
    assert lease is not None
    buffer.later(4000)
    assert await buffer.lanes.renew([lease], 5000) == [lease]
    buffer.later(4000)
    assert await buffer.lanes.lease(0, "w2", 5000) is None
    buffer.later(1001)
    await buffer.lanes.lease(0, "w2", 5000)
    assert await buffer.lanes.renew([lease], 5000) == []


async def test_a_released_partition_is_free_at_once(buffer: Buffer) -> None:
    lease = await buffer.lanes.lease(0, "w1", 5000)
    assert lease is not None
    await buffer.lanes.release(lease)
    buffer.later(1)
    assert await buffer.lanes.lease(0, "w2", 5000) is not None


async def test_a_fenced_worker_can_do_nothing_but_record_a_booking(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    old = await taken_head(buffer, one)
    buffer.later(5001)
    new = await taken_head(buffer, one, "w2")
    with pytest.raises(FencedOut):
        await buffer.lanes.take(old.lease, LEGACY, 1)
    assert not await buffer.lanes.attempt(old)
    assert not await buffer.lanes.stored(old, "D", 1)
    assert not await buffer.lanes.defer(old, 1, unknown=True, reason="late")
    assert not await buffer.lanes.hold(old, Cause.NOT_ACCEPTED, "late")
    assert await buffer.lanes.attempt(new)
    await buffer.lanes.book(old.transaction_id, "D-1", "")
    assert not await buffer.lanes.stored(new, "D-2", 1)
    progress = await buffer.intake.progress(one.transaction_id)
    assert progress is not None
    assert (progress.state, progress.document) == ("booked", "D-1")


async def test_what_a_dead_worker_had_sent_comes_back_to_be_probed(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    first = await taken_head(buffer, one)
    assert first.open_ms is None
    await buffer.lanes.attempt(first)
    buffer.later(6000)
    again = await taken_head(buffer, one, "w2")
    assert (again.open_ms, again.attempts, again.takes) == (6000, 1, 2)


async def test_messages_of_an_object_leave_in_order_one_at_a_time(buffer: Buffer) -> None:
    create = entry("A-1")
    cancel = entry("A-1", process="order.cancellation", reference="X-1")
    for one in (create, cancel):
        await buffer.intake.accept(one)
    taken = await taken_head(buffer, create)
    assert taken.transaction_id == create.transaction_id
    assert await buffer.lanes.take(taken.lease, LEGACY, 5) == []
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(create.transaction_id, "D-1", "")
    (following,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert following.transaction_id == cancel.transaction_id


async def test_a_retry_waits_its_time_and_nothing_overtakes_it(buffer: Buffer) -> None:
    create = entry("A-1")
    await buffer.intake.accept(create)
    taken = await taken_head(buffer, create)
    await buffer.lanes.attempt(taken)
    assert await buffer.lanes.defer(taken, 800, unknown=False, reason="busy")
    await buffer.intake.accept(entry("A-1", process="order.cancellation", reference="X-1"))
    assert await buffer.lanes.take(taken.lease, LEGACY, 5) == []
    buffer.later(801)
    (again,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert (again.transaction_id, again.open_ms) == (create.transaction_id, None)


async def test_urgent_objects_leave_before_others(buffer: Buffer) -> None:
    orders = _of_one_partition(3)
    for one in orders:
        await buffer.intake.accept(one)
    lease = await buffer.lease_of(orders[0].object_key)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    assert taken.object_key == orders[0].object_key, "the longest waiting first"
    await buffer.lanes.book(taken.transaction_id, "D", "")
    buffer.later(10)
    ref = orders[0].object_key.rpartition(":")[2]
    cancel = entry(ref, process="order.cancellation", reference="X")
    await buffer.intake.accept(cancel)
    (urgent,) = await buffer.lanes.take(lease, LEGACY, 1)
    assert urgent.transaction_id == cancel.transaction_id


def _of_one_partition(count: int) -> list[Entry]:
    made = [entry(f"A-{n}") for n in range(count * PARTITIONS * 4)]
    wanted = partition_of(made[0].object_key, PARTITIONS)
    return [one for one in made if partition_of(one.object_key, PARTITIONS) == wanted][:count]


async def test_a_held_message_stops_only_its_object(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    assert await buffer.lanes.hold(taken, Cause.UNKNOWN_ITEM, "no such item")
    await buffer.intake.accept(entry("A-1", process="order.cancellation", reference="X-1"))
    assert await buffer.lanes.take(taken.lease, LEGACY, 5) == []
    assert (await buffer.lanes.backlog())["held"] == 1
    progress = await buffer.intake.progress(one.transaction_id)
    assert progress is not None
    assert (progress.state, progress.cause) == ("held", "unknown-item")


async def test_a_released_message_is_probed_and_its_old_refusal_does_not_count(
    buffer: Buffer,
) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.hold(taken, Cause.UNKNOWN_ITEM, "no such item")
    assert await buffer.lanes.release_held(one.transaction_id, "sam")
    assert not await buffer.lanes.release_held(one.transaction_id, "sam")
    (again,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert again.released == 1
    assert again.open_ms is not None
    assert again.open_ms > 10**9


async def test_a_message_held_before_it_was_ever_sent_is_sent_when_released(
    buffer: Buffer,
) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.hold(taken, Cause.POISON, "unreadable")
    await buffer.lanes.release_held(one.transaction_id, "sam")
    (again,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert (again.open_ms, again.released) == (None, 3)


async def test_takes_without_an_outcome_add_up_and_outcomes_start_anew(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    lease = await buffer.lease_of(one.object_key)
    for expected in (1, 2, 3):
        (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
        assert taken.takes == expected
        await buffer.lanes.defer(taken, 0, unknown=False, reason="crash", outcome=False)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    await buffer.lanes.defer(taken, 0, unknown=False, reason="busy")
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    assert taken.takes == 1


async def test_a_stored_document_blocks_its_object_until_it_is_posted(buffer: Buffer) -> None:
    create = entry("A-1")
    await buffer.intake.accept(create)
    taken = await taken_head(buffer, create)
    await buffer.lanes.attempt(taken)
    assert await buffer.lanes.stored(taken, "D-1", 500)
    await buffer.intake.accept(entry("A-1", process="order.cancellation", reference="X-1"))
    assert await buffer.lanes.take(taken.lease, LEGACY, 5) == []
    assert await buffer.lanes.awaiting(taken.lease, LEGACY, 10, 1000) == []
    buffer.later(501)
    (due,) = await buffer.lanes.awaiting(taken.lease, LEGACY, 10, 1000)
    assert (due.transaction_id, due.document) == (create.transaction_id, "D-1")
    assert await buffer.lanes.awaiting(taken.lease, LEGACY, 10, 1000) == []
    await buffer.lanes.book(create.transaction_id, "D-1", "")
    buffer.later(1001)
    assert await buffer.lanes.awaiting(taken.lease, LEGACY, 10, 1000) == []
    assert len(await buffer.lanes.take(taken.lease, LEGACY, 5)) == 1


async def test_receipts_of_a_store_day_follow_each_other_once_stored(buffer: Buffer) -> None:
    first = entry("D", process="store.sale", reference="1", pipelined=True)
    second = entry("D", process="store.sale", reference="2", pipelined=True)
    for one in (first, second):
        await buffer.intake.accept(one)
    taken = await taken_head(buffer, first)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.stored(taken, "D-1", 500)
    assert sorted(await buffer.listed(first.object_key)) == ["1", "2"], "it left its fifo"
    (following,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert following.transaction_id == second.transaction_id
    buffer.later(501)
    (failed,) = await buffer.lanes.awaiting(taken.lease, LEGACY, 10, 1000)
    assert await buffer.lanes.hold(failed, Cause.CLOSED_PERIOD, "period 10 is closed")
    assert await buffer.lanes.attempt(following), "a sibling goes on"
    await buffer.lanes.book(second.transaction_id, "D-2", "")
    assert await buffer.lanes.release_held(first.transaction_id, "sam")
    (again,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert (again.transaction_id, again.owner) == (first.transaction_id, LEGACY)
    assert sorted(await buffer.listed(first.object_key)) == ["1", "2"], (
        "that it left its fifo and came back is no double"
    )
    await buffer.lanes.attempt(again)
    await buffer.lanes.book(first.transaction_id, "D-1", "")
    assert sorted(await buffer.listed(first.object_key)) == ["1", "2"]
    settled = [first.transaction_id, second.transaction_id]
    await buffer.feed.projected(taken.lease.partition, "0-0", settled)
    assert await buffer.listed(first.object_key) == []
    part = keys.partition_keys(PARTITIONS)[taken.lease.partition]
    assert await buffer.client.command("EXISTS", part.unprojected(first.object_key)) == 0


async def test_a_booking_is_recorded_once_whoever_brings_it(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    for document in ("D-1", "D-2"):
        await buffer.lanes.book(one.transaction_id, document, "")
    progress = await buffer.intake.progress(one.transaction_id)
    assert progress is not None
    assert progress.document == "D-1"
    kinds = [kind for kind, _ in await buffer.kinds(one.object_key)]
    assert kinds == ["accepted", "attempted", "booked"]


async def test_a_parked_object_waits_for_a_decision_under_the_epoch_in_force(
    buffer: Buffer,
) -> None:
    one = entry("A-1", target=Target.HOLD)
    await buffer.intake.accept(one)
    follow = entry("A-1", process="order.cancellation", reference="X-1")
    await buffer.intake.accept(follow)
    lease = await buffer.lease_of(one.object_key)
    assert await buffer.lanes.take(lease, LEGACY, 5) == []
    (parked,) = await buffer.lanes.parked(lease, 0, 0, 10)
    assert parked.owner is None
    await buffer.under(Marker(2, "v2"))
    assert not await buffer.lanes.reroute(parked, 1, LEGACY), "decided under an old epoch"
    assert await buffer.lanes.reroute(parked, 2, Target.CLOUD)
    assert await buffer.intake.owner(one.object_key) is Target.CLOUD
    (taken,) = await buffer.lanes.take(lease, Target.CLOUD, 5)
    assert taken.transaction_id == one.transaction_id
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(one.transaction_id, "D", "")
    (taken,) = await buffer.lanes.take(lease, Target.CLOUD, 5)
    assert taken.transaction_id == follow.transaction_id


async def test_a_follow_up_under_hold_waits_and_then_goes_to_the_owner(buffer: Buffer) -> None:
    create = entry("A-1", target=Target.CLOUD)
    await buffer.intake.accept(create)
    lease = await buffer.lease_of(create.object_key)
    (taken,) = await buffer.lanes.take(lease, Target.CLOUD, 1)
    await buffer.lanes.book(create.transaction_id, "D", "")
    cancel = entry("A-1", process="order.cancellation", reference="X", target=Target.HOLD)
    await buffer.intake.accept(cancel)
    assert await buffer.lanes.take(lease, Target.CLOUD, 5) == []
    (parked,) = await buffer.lanes.parked(lease, 0, 0, 10)
    assert parked.owner is Target.CLOUD
    assert await buffer.lanes.reroute(parked, 1, None)
    (taken,) = await buffer.lanes.take(lease, Target.CLOUD, 5)
    assert taken.transaction_id == cancel.transaction_id


async def test_what_is_projected_is_forgotten_and_what_is_open_is_kept(buffer: Buffer) -> None:
    done, still = entry("A-1"), entry("A-1", process="order.cancellation", reference="X")
    for one in (done, still):
        await buffer.intake.accept(one)
    taken = await taken_head(buffer, done)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(done.transaction_id, "D", "")
    assert await buffer.listed(done.object_key) == ["A-1", "X"]
    partition = taken.lease.partition
    events = await buffer.feed.events(partition, "0-0", 100)
    assert [it.envelope is not None for it in events if it.kind == "accepted"] == [True, True]
    await buffer.feed.projected(partition, events[-1].sequence, [done.transaction_id])
    assert await buffer.feed.events(partition, "0-0", 100) == []
    assert await buffer.intake.progress(done.transaction_id) is None
    left = await buffer.intake.progress_of(done.object_key)
    assert [it.envelope.transaction_id for it in left] == [still.transaction_id]


async def test_a_lease_that_ran_out_is_not_revived_and_its_objects_come_back(
    buffer: Buffer,
) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    buffer.later(5001)
    assert await buffer.lanes.renew([taken.lease], 5000) == []
    again = await taken_head(buffer, one)
    assert again.lease.token > taken.lease.token


async def test_what_waited_behind_others_of_its_object_does_not_wait_behind_later_ones(
    buffer: Buffer,
) -> None:
    """The next message of an object stands in its lane by when it was accepted."""
    one = entry("A-1")
    same_partition = next(
        ref for ref in (f"B-{n}" for n in range(100))
        if partition_of(order_key("webshop", ref), PARTITIONS)
        == partition_of(one.object_key, PARTITIONS)
    )  # fmt: skip
    then = entry("A-1", reference="A-1/2", process="order.intake")
    await buffer.intake.accept(one)
    await buffer.intake.accept(then)
    buffer.later(1000)
    late = entry(same_partition)
    await buffer.intake.accept(late)
    buffer.later(1000)
    lease = await buffer.lease_of(one.object_key)
    order = []
    for _ in range(3):
        (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
        order.append(taken.transaction_id)
        await buffer.lanes.attempt(taken)
        await buffer.lanes.book(taken.transaction_id, "D", "")
    assert order == [one.transaction_id, then.transaction_id, late.transaction_id]
