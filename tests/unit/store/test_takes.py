"""What is said twice, because an answer was lost, acts once; a later take is not touched by it."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange import Entry, Taken
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY


async def taken_head(buffer: Buffer, one: Entry) -> Taken:
    lease = await buffer.lease_of(one.object_key)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 5)
    return taken


async def test_a_settlement_repeated_changes_nothing(buffer: Buffer) -> None:
    one = entry("D", process="store.sale", reference="1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    assert await buffer.lanes.stored(taken, "D-1", 500)
    assert not await buffer.lanes.defer(taken, 0, unknown=True, reason="late", outcome=False)
    assert await buffer.lanes.take(taken.lease, LEGACY, 5) == []


async def test_a_held_message_is_not_put_back_by_a_late_deferral(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
    assert not await buffer.lanes.defer(taken, 0, unknown=True, reason="late", outcome=False)
    assert await buffer.lanes.take(taken.lease, LEGACY, 5) == []


async def test_a_settlement_repeated_late_cannot_touch_the_next_take(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    first = await taken_head(buffer, one)
    await buffer.lanes.attempt(first)
    await buffer.lanes.defer(first, 0, unknown=False, reason="busy")
    (second,) = await buffer.lanes.take(first.lease, LEGACY, 1)
    assert not await buffer.lanes.attempt(first)
    assert await buffer.lanes.attempt(second)
    assert not await buffer.lanes.defer(first, 0, unknown=False, reason="busy")
    assert not await buffer.lanes.hold(first, Cause.NOT_ACCEPTED, "no")
    assert not await buffer.lanes.stored(first, "D-1", 500)
    assert await buffer.lanes.defer(second, 0, unknown=True, reason="no answer")
    (third,) = await buffer.lanes.take(first.lease, LEGACY, 1)
    assert (third.number, third.attempts, third.open_ms) == (3, 2, 0)


async def test_a_refusal_polled_twice_does_not_hold_what_staff_let_go(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    taken = await taken_head(buffer, one)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.stored(taken, "D-1", 0)
    (failed,) = await buffer.lanes.awaiting(taken.lease, LEGACY, 10, 1000)
    assert await buffer.lanes.hold(failed, Cause.NOT_ACCEPTED, "no")
    assert await buffer.lanes.release_held(one.transaction_id, "sam")
    assert not await buffer.lanes.hold(failed, Cause.NOT_ACCEPTED, "no")
    (again,) = await buffer.lanes.take(taken.lease, LEGACY, 5)
    assert not await buffer.lanes.hold(failed, Cause.NOT_ACCEPTED, "no")
    await buffer.lanes.attempt(again)
    await buffer.lanes.stored(again, "D-2", 0)
    assert not await buffer.lanes.hold(failed, Cause.NOT_ACCEPTED, "no"), "of another document"


async def test_what_is_put_back_unseen_was_never_taken_but_for_its_number(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    first = await taken_head(buffer, one)
    assert (await buffer.lanes.backlog())["flight"] == 1
    assert await buffer.lanes.untake(first)
    backlog = await buffer.lanes.backlog()
    assert (backlog["legacy"], backlog["flight"]) == (1, 0)
    (again,) = await buffer.lanes.take(first.lease, LEGACY, 5)
    assert (again.takes, again.number, again.attempts, again.open_ms) == (1, 2, 0, None)
    assert not await buffer.lanes.attempt(first), "whoever put it back has it no more"
    assert await buffer.lanes.attempt(again)


async def test_what_is_put_back_unseen_keeps_its_open_attempt(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    first = await taken_head(buffer, one)
    await buffer.lanes.attempt(first)
    await buffer.lanes.defer(first, 0, unknown=True, reason="no answer")
    (second,) = await buffer.lanes.take(first.lease, LEGACY, 5)
    assert await buffer.lanes.untake(second)
    (third,) = await buffer.lanes.take(first.lease, LEGACY, 5)
    assert (third.takes, third.attempts) == (second.takes, second.attempts)
    assert third.open_ms is not None, "it is probed, not sent again"
