"""Release of what was parked, and projection into the ledger: repeated, interrupted, complete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Entry, Lease, Wanted
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.errors import LedgerUnavailable
from gateway.flow.project import Projector
from gateway.flow.release import Releaser
from gateway.flow.status import Statuses
from gateway.flow.versions import RuleVersions
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.flow.doubles import StillClock
from tests.unit.flow.rulesets import all_to
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
def releaser(buffer: Buffer, ledger: SqlLedger) -> Releaser:
    versions = RuleVersions(buffer.book, ledger, SystemClock(), 60_000)
    return Releaser(buffer.lanes, buffer.book, versions)


async def into_force(buffer: Buffer, epoch: int, mode: Mode) -> None:
    rules = all_to(mode)
    await buffer.book.keep(rules.version, rules.text)
    await buffer.under(Marker(epoch, rules.version))


async def test_parked_objects_go_where_the_new_rules_say(
    buffer: Buffer, releaser: Releaser
) -> None:
    await into_force(buffer, 2, Mode.HOLD)
    parked = entry("A-1", target=Target.HOLD, epoch=2)
    await buffer.intake.accept(parked)
    lease = await buffer.lease_of(parked.object_key)
    assert await releaser.release(lease) == 0, "still on hold"
    await into_force(buffer, 3, Mode.CLOUD)
    assert await releaser.release(lease) == 1
    assert await buffer.intake.owner(parked.object_key) is Target.CLOUD
    backlog = await buffer.lanes.backlog()
    assert (backlog["cloud"], backlog["parked"]) == (1, 0)


async def test_many_parked_objects_are_released_in_pages(
    buffer: Buffer, releaser: Releaser
) -> None:
    await into_force(buffer, 2, Mode.HOLD)
    for n in range(700):
        await buffer.intake.accept(entry(f"A-{n}", target=Target.HOLD, epoch=2))
    await into_force(buffer, 3, Mode.LEGACY)
    released = 0
    for partition in range(4):
        lease = await buffer.lanes.lease(partition, "w1", 60_000)
        assert lease is not None
        released += await releaser.release(lease)
    assert released == 700
    assert (await buffer.lanes.backlog())["parked"] == 0


async def test_a_message_taken_under_hold_is_released_when_it_becomes_the_head(
    buffer: Buffer, releaser: Releaser
) -> None:
    await into_force(buffer, 2, Mode.HOLD)
    create = entry("A-1", target=Target.HOLD, epoch=2)
    cancel = entry("A-1", process="order.cancellation", reference="X", target=Target.HOLD, epoch=2)
    for one in (create, cancel):
        await buffer.intake.accept(one)
    await into_force(buffer, 3, Mode.LEGACY)
    lease = await buffer.lease_of(create.object_key)
    assert await releaser.release(lease) == 1
    (taken,) = await buffer.lanes.take(lease, Target.LEGACY, 5)
    await buffer.lanes.attempt(taken)
    buffer.later(100)
    await buffer.lanes.book(create.transaction_id, "D", "")
    assert await buffer.lanes.take(lease, Target.LEGACY, 5) == []
    assert await releaser.release(lease) == 1
    (taken,) = await buffer.lanes.take(lease, Target.LEGACY, 5)
    assert taken.transaction_id == cancel.transaction_id


async def test_a_releaser_that_died_half_way_is_followed_by_one_that_finishes(
    buffer: Buffer, releaser: Releaser, ledger: SqlLedger
) -> None:
    await into_force(buffer, 2, Mode.HOLD)
    orders = [entry(f"A-{n}", target=Target.HOLD, epoch=2) for n in range(8)]
    for one in orders:
        await buffer.intake.accept(one)
    await into_force(buffer, 3, Mode.CLOUD)
    lease = await buffer.lease_of(orders[0].object_key)
    (first, *_) = await buffer.lanes.parked(lease, 0, 0, 10)
    await buffer.lanes.reroute(first, 3, Target.CLOUD)
    buffer.later(6000)
    for partition in range(4):
        taken = await buffer.lanes.lease(partition, "w2", 60_000)
        assert taken is not None
        await releaser.release(taken)
    assert (await buffer.lanes.backlog())["cloud"] == 8


async def booked(buffer: Buffer, one: Entry, document: str = "D-1") -> Lease:
    await buffer.intake.accept(one)
    lease = await buffer.lease_of(one.object_key)
    (taken,) = await buffer.lanes.take(lease, Target.LEGACY, 1)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(one.transaction_id, document, "")
    return lease


async def test_a_booked_message_moves_to_the_ledger_and_is_never_out_of_sight(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    one = entry("A-1")
    lease = await booked(buffer, one)
    statuses = Statuses(buffer.intake, ledger, StillClock())
    before = await statuses.transaction(one.transaction_id)
    assert await Projector(buffer.feed, ledger).project(lease) > 0
    assert await buffer.intake.progress(one.transaction_id) is None
    after = await statuses.transaction(one.transaction_id)
    assert before is not None
    assert after is not None
    assert (before.status, after.status) == ("booked", "booked")
    assert after.reference == "A-1"
    assert await ledger.owner(one.object_key) is Target.LEGACY
    assert [it.transaction_id for it in await statuses.of_object(one.object_key)] == [
        one.transaction_id
    ]


async def test_a_crash_between_ledger_and_buffer_repeats_without_doubling(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    one = entry("A-1")
    lease = await booked(buffer, one)
    events = await buffer.feed.events(lease.partition, "0-0", 100)
    await ledger.project(lease.partition, events)  # … and the worker dies before it trims
    await Projector(buffer.feed, ledger).project(lease)
    (record,) = await ledger.transactions_of(one.object_key)
    assert (record.state, record.document, record.attempts) == ("booked", "D-1", 1)


async def test_while_the_ledger_is_down_nothing_is_forgotten(
    buffer: Buffer, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = entry("A-1")
    lease = await booked(buffer, one)
    projector = Projector(buffer.feed, ledger)

    async def down(*_: object) -> None:
        raise LedgerUnavailable("down")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "project", down)
        with pytest.raises(LedgerUnavailable):
            await projector.project(lease)
    assert await buffer.intake.progress(one.transaction_id) is not None
    assert await projector.project(lease) > 0
    assert (await ledger.transactions_of(one.object_key))[0].state == "booked"


async def test_a_held_message_is_in_both_until_it_is_settled(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    lease = await buffer.lease_of(one.object_key)
    (taken,) = await buffer.lanes.take(lease, Target.LEGACY, 1)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.hold(taken, Cause.UNKNOWN_ITEM, "no such item")
    await Projector(buffer.feed, ledger).project(lease)
    (held,) = await ledger.exceptions(Wanted(), 0, 10)
    assert (held.transaction_id, held.cause, held.detail) == (
        one.transaction_id, "unknown-item", "no such item",
    )  # fmt: skip
    assert await buffer.intake.progress(one.transaction_id) is not None
    await buffer.lanes.release_held(one.transaction_id, "sam")
    await Projector(buffer.feed, ledger).project(lease)
    assert await ledger.exceptions(Wanted(), 0, 10) == []
