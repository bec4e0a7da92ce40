"""Objects given to the other ERP after a flip: only what nothing was ever tried of."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import Marker, order_key, partition_of
from gateway.canonical.exchange import Entry, Movable, Taken
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.store.ledger import projection
from gateway.store.redis.seeking import RedisSeeking
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY, CLOUD = Target.LEGACY, Target.CLOUD


async def listed(buffer: Buffer, one: Entry, *, refused: bool = False) -> list[Movable]:
    part = partition_of(one.object_key, PARTITIONS)
    found = [it async for it in buffer.moves.movable(part, LEGACY, refused=refused)]
    return [it for it in found if it.object_key == one.object_key]


async def movable(buffer: Buffer, one: Entry, *, refused: bool = False) -> Movable:
    (found,) = await listed(buffer, one, refused=refused)
    return found


async def taken_head(buffer: Buffer, one: Entry, erp: Target = LEGACY) -> Taken:
    lease = await buffer.lease_of(one.object_key)
    (taken,) = await buffer.lanes.take(lease, erp, 5)
    return taken


async def flipped(buffer: Buffer) -> None:
    await buffer.under(Marker(2, "v2"))


async def test_what_was_never_tried_follows_the_flip_with_all_that_waits_behind_it(
    buffer: Buffer,
) -> None:
    one, cancel = entry("A-1"), entry("A-1", process="order.cancellation", reference="X")
    for it in (one, cancel):
        await buffer.intake.accept(it)
    await flipped(buffer)
    found = await movable(buffer, one)
    assert (found.transaction_id, found.waiting) == (one.transaction_id, 2)
    assert not await buffer.moves.move(found, 1, CLOUD, "ann"), "decided under an old epoch"
    assert await buffer.moves.move(found, 2, CLOUD, "ann")
    assert not await buffer.moves.move(found, 2, CLOUD, "ann"), "moved before"
    assert await buffer.intake.owner(one.object_key) is CLOUD
    lease = await buffer.lease_of(one.object_key)
    assert await buffer.lanes.take(lease, LEGACY, 5) == []
    (taken,) = await buffer.lanes.take(lease, CLOUD, 5)
    assert await buffer.lanes.attempt(taken)
    await buffer.lanes.book(one.transaction_id, "D", "")
    (taken,) = await buffer.lanes.take(lease, CLOUD, 5)
    assert taken.transaction_id == cancel.transaction_id


async def test_what_is_in_somebodys_hands_is_not_moved(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    found = await movable(buffer, one)
    taken = await taken_head(buffer, one)
    assert not await buffer.moves.move(found, 1, CLOUD, "ann")
    assert await listed(buffer, one) == []
    assert await buffer.lanes.defer(taken, 0, unknown=False, reason="stopped", outcome=False)
    assert await buffer.moves.move(found, 1, CLOUD, "ann"), "it was taken, and nothing was tried"
    assert not await buffer.lanes.attempt(taken), "the old take sends nothing any more"


@pytest.mark.parametrize("unknown", [True, False])
async def test_what_was_ever_tried_stays(buffer: Buffer, unknown: bool) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    found = await movable(buffer, one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.defer(taken, 0, unknown=unknown, reason="busy")
    assert await listed(buffer, one) == []
    assert not await buffer.moves.move(found, 1, CLOUD, "ann")


async def test_a_follow_up_stays_with_what_was_booked_before(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(one.transaction_id, "D", "")
    events = await buffer.feed.events(taken.lease.partition, "0-0", 100)
    await buffer.feed.projected(taken.lease.partition, events[-1].sequence, [one.transaction_id])
    await buffer.intake.accept(entry("A-1", process="order.cancellation", reference="X"))
    assert await listed(buffer, one) == []


async def test_a_follow_up_on_an_order_older_than_the_gateway_stays(buffer: Buffer) -> None:
    late = entry("A-1", process="order.cancellation", reference="X", owner_found=LEGACY)
    await buffer.intake.accept(late)
    assert await listed(buffer, late) == []


async def test_receipts_behind_one_that_is_stored_stay(buffer: Buffer) -> None:
    first = entry("D", process="store.sale", reference="1", pipelined=True)
    second = entry("D", process="store.sale", reference="2", pipelined=True)
    for it in (first, second):
        await buffer.intake.accept(it)
    taken = await taken_head(buffer, first)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.stored(taken, "D-1", 500)
    assert await listed(buffer, first) == []


async def test_what_was_stored_and_failed_to_post_stays(buffer: Buffer) -> None:
    """Its ERP has it, and may post it yet."""
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.stored(taken, "D-1", 0)
    (failed,) = await buffer.lanes.awaiting(taken.lease, LEGACY, 1, 500)
    await buffer.lanes.hold(failed, Cause.CLOSED_PERIOD, "period 10 is closed")
    assert await listed(buffer, one, refused=True) == []


async def test_a_follow_up_let_go_without_an_owner_is_looked_for(buffer: Buffer) -> None:
    """It goes to its owner, whoever that is; the rules that let it go name none."""
    early = entry("A-1", process="order.cancellation", reference="X", target=Target.HOLD)
    await buffer.intake.accept(replace(early, undecided=True))
    lease = await buffer.lease_of(early.object_key)
    (parked,) = await buffer.lanes.parked(lease, 0, 0, 1)
    assert parked.owner is None
    assert await buffer.lanes.reroute(parked, 1, None)
    seeking = RedisSeeking(buffer.client, PARTITIONS)
    assert [it.transaction_id for it in await seeking.sought(lease, 9)] == [early.transaction_id]
    assert await buffer.kinds(early.object_key) == [
        ("accepted", early.transaction_id), ("released", early.transaction_id),
    ]  # fmt: skip


async def test_what_is_let_go_to_another_erp_stays_with_the_owner_of_its_object(
    buffer: Buffer,
) -> None:
    first = entry("A-1")
    await buffer.intake.accept(first)
    taken = await taken_head(buffer, first)
    await buffer.lanes.book(first.transaction_id, "D-1", "")
    await buffer.intake.accept(entry("A-1", reference="again", target=Target.HOLD))
    (parked,) = await buffer.lanes.parked(taken.lease, 0, 0, 1)
    assert await buffer.lanes.reroute(parked, 1, CLOUD)
    assert await buffer.lanes.take(taken.lease, CLOUD, 5) == []
    assert len(await buffer.lanes.take(taken.lease, LEGACY, 5)) == 1


@pytest.mark.parametrize("waits", [None, (1000, 9000)])
async def test_what_was_refused_starts_anew_in_the_other_erp(
    buffer: Buffer, waits: tuple[int, int] | None
) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.hold(taken, Cause.UNKNOWN_ITEM, "no such item", waits)
    assert await listed(buffer, one) == [], "it was tried"
    found = await movable(buffer, one, refused=True)
    assert await buffer.moves.move(found, 1, CLOUD, "ann")
    backlog = await buffer.lanes.backlog()
    assert (backlog["held"], backlog["waits"], backlog["cloud"]) == (0, 0, 1)
    again = await taken_head(buffer, one, CLOUD)
    assert (again.open_ms, again.released) == (None, 0), "the other ERP knows nothing of it"


async def test_a_poison_message_is_not_taken_for_a_refused_one(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.hold(taken, Cause.POISON, "three times")
    found = Movable(one.transaction_id, one.object_key, LEGACY, b"", 1, refused=True)
    assert not await buffer.moves.move(found, 1, CLOUD, "ann")


async def test_what_was_refused_after_something_was_booked_stays(buffer: Buffer) -> None:
    one, cancel = entry("A-1"), entry("A-1", process="order.cancellation", reference="X")
    for it in (one, cancel):
        await buffer.intake.accept(it)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(one.transaction_id, "D", "")
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
    assert await listed(buffer, one, refused=True) == []


async def test_a_parked_object_with_an_owner_waits_on_under_the_new_one(buffer: Buffer) -> None:
    await buffer.intake.accept(entry("A-1", target=Target.HOLD))
    pinned = entry("A-1", reference="2")
    await buffer.intake.accept(pinned)
    found = await movable(buffer, pinned)
    assert await buffer.moves.move(found, 1, CLOUD, "ann")
    assert (await buffer.lanes.backlog())["parked"] == 1
    lease = await buffer.lease_of(pinned.object_key)
    (parked,) = await buffer.lanes.parked(lease, 0, 0, 5)
    assert parked.owner is CLOUD


async def test_many_objects_are_listed_in_pages(buffer: Buffer) -> None:
    made = [entry(f"A-{n}") for n in range(1200)]
    for one in made:
        await buffer.intake.accept(one)
    found = {
        it.object_key
        for part in range(PARTITIONS)
        async for it in buffer.moves.movable(part, LEGACY, refused=False)
    }
    assert found == {it.object_key for it in made}


async def test_the_ledger_has_the_new_owner(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    await buffer.moves.move(await movable(buffer, one), 1, CLOUD, "ann")
    part = partition_of(one.object_key, PARTITIONS)
    events = await buffer.feed.events(part, "0-0", 10)
    changes = projection.fold(part, projection.behind(events, (0, 0)), {})
    assert changes.created[one.transaction_id]["owner"] == "cloud"
    assert changes.pins[order_key("webshop", "A-1")].owner == "cloud"
    assert changes.moved[order_key("webshop", "A-1")].source == "flip"
