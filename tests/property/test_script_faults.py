"""Half states: which scripts leave none, whatever goes wrong inside them.

Lua scripts have no rollback. Two errors can really come from a command inside one: a key of a
wrong type (somebody else wrote it), and a full server. For the first, every key a script touches
is spoilt in turn and the whole database compared before and after: every script does all or
nothing. For the second, the two scripts that take new work are refused before they start, and all
others run on.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import Marker, new_transaction_id, order_key, partition_of
from gateway.canonical.exchange import Case, Edition, Entry, Lease, Parked, Taken
from gateway.canonical.exchange.seeking import Sought
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import Overloaded
from gateway.store.redis.seeking import RedisSeeking
from tests.property.dumped import dump, plain
from tests.property.spoiling import Prepare, Work, prepared, spoilt
from tests.valkey import NOW_MS, PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

REF = "A-1"
KEY = order_key("webshop", REF)
PART = partition_of(KEY, PARTITIONS)
LEGACY = Target.LEGACY

Parts = tuple[RedisSeeking, Sought]


def message(
    number: int,
    *,
    target: Target = LEGACY,
    pipelined: bool = False,
    process: str = "order.intake",
) -> Entry:
    """Always the same ids, so that keys have the same names each time."""
    made = new_transaction_id(PART, datetime.fromtimestamp(NOW_MS / 1000, UTC), number)
    return entry(
        REF, process=process, reference=f"{number}", transaction_id=made, target=target,
        pipelined=pipelined,
    )  # fmt: skip


async def two(buffer: Buffer, *, pipelined: bool = False, target: Target = LEGACY) -> Lease:
    """Accept two messages of one object and lease their partition."""
    for number in (1, 2):
        await buffer.intake.accept(message(number, pipelined=pipelined, target=target))
    return await buffer.lease_of(KEY)


async def sent(buffer: Buffer, *, pipelined: bool = False) -> Taken:
    lease = await two(buffer, pipelined=pipelined)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    await buffer.lanes.attempt(taken)
    return taken


async def accept_first(buffer: Buffer) -> Work:
    return lambda: buffer.intake.accept(message(1))


async def accept_held(buffer: Buffer) -> Work:
    return lambda: buffer.intake.accept(message(1, target=Target.HOLD))


async def accept_behind(buffer: Buffer) -> Work:
    await two(buffer, target=Target.HOLD)
    return lambda: buffer.intake.accept(message(3))


async def sought(buffer: Buffer) -> Parts:
    """A follow-up nobody knows the owner of, and whoever looks for it."""
    early = replace(message(1, process="order.cancellation"), undecided=True)
    await buffer.intake.accept(early)
    seeking = RedisSeeking(buffer.client, PARTITIONS)
    (found,) = await seeking.sought(await buffer.lease_of(KEY), 1)
    return seeking, found


async def accept_undecided(buffer: Buffer) -> Work:
    one = replace(message(1, process="order.cancellation"), undecided=True)
    return lambda: buffer.intake.accept(one)


async def accept_before_what_came_early(buffer: Buffer) -> Work:
    await sought(buffer)
    return lambda: buffer.intake.accept(message(2))


async def found(buffer: Buffer) -> Work:
    seeking, one = await sought(buffer)
    return lambda: seeking.found(one, 1, LEGACY, None, hold=False)


async def found_and_held(buffer: Buffer) -> Work:
    seeking, one = await sought(buffer)
    return lambda: seeking.found(one, 1, LEGACY, b"{}", hold=True)


async def unfound(buffer: Buffer) -> Work:
    seeking, one = await sought(buffer)
    return lambda: seeking.unfound(one, Cause.OWNER_UNDECIDED, "no")


async def reserve(buffer: Buffer) -> Work:
    one = message(1)
    return lambda: buffer.intake.reserve("webshop|key|k", one.transaction_id, one.digest)


async def take(buffer: Buffer) -> Work:
    lease = await two(buffer)
    return lambda: buffer.lanes.take(lease, LEGACY, 5)


async def attempt(buffer: Buffer) -> Work:
    lease = await two(buffer)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    return lambda: buffer.lanes.attempt(taken)


async def book(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    return lambda: buffer.lanes.book(taken.transaction_id, "D-1", "")


async def book_after_posting(buffer: Buffer) -> Work:
    taken = await sent(buffer, pipelined=True)
    await buffer.lanes.stored(taken, "D-1", 0)
    return lambda: buffer.lanes.book(taken.transaction_id, "D-1", "")


async def stored(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    return lambda: buffer.lanes.stored(taken, "D-1", 500)


async def stored_pipelined(buffer: Buffer) -> Work:
    taken = await sent(buffer, pipelined=True)
    return lambda: buffer.lanes.stored(taken, "D-1", 500)


async def awaiting(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    await buffer.lanes.stored(taken, "D-1", 0)
    return lambda: buffer.lanes.awaiting(taken.lease, LEGACY, 5, 500)


async def defer(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    return lambda: buffer.lanes.defer(taken, 500, unknown=False, reason="busy")


async def untake(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    return lambda: buffer.lanes.untake(taken)


async def hold(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    return lambda: buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")


async def release(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    await buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
    return lambda: buffer.lanes.release_held(taken.transaction_id, "staff")


async def release_after_posting(buffer: Buffer) -> Work:
    taken = await sent(buffer, pipelined=True)
    await buffer.lanes.stored(taken, "D-1", 0)
    await buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
    await buffer.lanes.book(message(2).transaction_id, "D-2", "")
    return lambda: buffer.lanes.release_held(taken.transaction_id, "staff")


async def held(buffer: Buffer) -> Case:
    taken = await sent(buffer)
    await buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
    case = await buffer.desk.case(taken.transaction_id)
    assert case is not None
    return case


async def edit(buffer: Buffer) -> Work:
    case = await held(buffer)
    return lambda: buffer.desk.edit(case, Edition(case.payload, b"{}", b"{}"), "olga", "typo")


async def edit_early(buffer: Buffer) -> Work:
    await two(buffer, target=Target.HOLD)
    case = await buffer.desk.case(message(1).transaction_id)
    assert case is not None
    return lambda: buffer.desk.edit(case, Edition(b"{}", b"{}", b"{}"), "me", "now", early=True)


async def discard(buffer: Buffer) -> Work:
    case = await held(buffer)
    return lambda: buffer.desk.discard(case, "lee", "test", creates=False, absent=False)


async def discard_with_followers(buffer: Buffer) -> Work:
    case = await held(buffer)
    return lambda: buffer.desk.discard(case, "lee", "test", creates=True, absent=False)


async def discard_what_was_there_before(buffer: Buffer) -> Work:
    case = await held(buffer)
    return lambda: buffer.desk.discard(
        case, "lee", "test", creates=True, absent=False, before="cloud"
    )


async def reroute(buffer: Buffer) -> Work:
    lease = await two(buffer, target=Target.HOLD)
    parked: Parked
    (parked,) = await buffer.lanes.parked(lease, 0, 0, 5)
    return lambda: buffer.lanes.reroute(parked, 1, Target.CLOUD)


async def wait(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    return lambda: buffer.lanes.hold(taken, Cause.UNKNOWN_ITEM, "no such item", (1000, 9000))


async def lend(buffer: Buffer) -> Work:
    await two(buffer)
    return lambda: buffer.intake.accept(message(3, process="order.cancellation"))


async def move(buffer: Buffer) -> Work:
    await two(buffer)
    found = [it async for it in buffer.moves.movable(PART, LEGACY, refused=False)]
    return lambda: buffer.moves.move(found[0], 1, Target.CLOUD, "ann")


async def move_refused(buffer: Buffer) -> Work:
    taken = await sent(buffer)
    await buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
    found = [it async for it in buffer.moves.movable(PART, LEGACY, refused=True)]
    return lambda: buffer.moves.move(found[0], 1, Target.CLOUD, "ann")


async def lease(buffer: Buffer) -> Work:
    await sent(buffer)
    buffer.later(5001)
    return lambda: buffer.lanes.lease(PART, "w2", 5000)


async def renew(buffer: Buffer) -> Work:
    held = await two(buffer)
    return lambda: buffer.lanes.renew([held], 9000)


async def raise_epoch(buffer: Buffer) -> Work:
    return lambda: buffer.book.raise_partition(PART, Marker(2, "v2"))


async def begin(buffer: Buffer) -> Work:
    await buffer.book.begin(0, "v1", "apply", "ann")
    await buffer.book.finish(Marker(1, "v1"))
    return lambda: buffer.book.begin(1, "v2", "apply", "ann")


async def finish(buffer: Buffer) -> Work:
    await buffer.book.begin(0, "v1", "apply", "ann")
    return lambda: buffer.book.finish(Marker(1, "v1"))


TAKING = (
    accept_first, accept_held, accept_behind, accept_undecided, accept_before_what_came_early, lend,
    reserve, edit, edit_early,
)  # fmt: skip
SETTLING = (
    take, attempt, book, book_after_posting, stored, stored_pipelined, awaiting, defer, untake,
    hold, wait, move, move_refused, release, release_after_posting, discard, discard_with_followers,
    discard_what_was_there_before,
    reroute, found, found_and_held, unfound, lease, renew, raise_epoch, begin, finish,
)  # fmt: skip


@pytest.mark.parametrize("prepare", [*TAKING, *SETTLING], ids=lambda it: it.__name__)
async def test_a_key_of_a_wrong_type_leaves_no_half_state(buffer: Buffer, prepare: Prepare) -> None:
    await spoilt(buffer, prepare)


@pytest.mark.parametrize("prepare", TAKING, ids=lambda it: it.__name__)
async def test_a_full_server_takes_nothing_new(buffer: Buffer, prepare: Prepare) -> None:
    run = await prepared(buffer, prepare)
    before = await dump(buffer)
    await buffer.client.command("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(Overloaded):
            await run()
    finally:
        await buffer.client.command("CONFIG", "SET", "maxmemory", "0")
    assert await dump(buffer) == before


@pytest.mark.parametrize("prepare", SETTLING, ids=lambda it: it.__name__)
async def test_a_full_server_goes_on_with_what_it_has(buffer: Buffer, prepare: Prepare) -> None:
    run = await prepared(buffer, prepare)
    usual = await run()
    left = await plain(buffer)
    run = await prepared(buffer, prepare)
    await buffer.client.command("CONFIG", "SET", "maxmemory", "1")
    try:
        assert await run() == usual
    finally:
        await buffer.client.command("CONFIG", "SET", "maxmemory", "0")
    assert await plain(buffer) == left
