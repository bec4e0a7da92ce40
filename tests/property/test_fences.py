"""Fences: a worker's step changes nothing once it is not its to take.

Each step is prepared as for the tests with spoilt keys; then something happens, and the step comes
too late: the lease ran out or is another's, the object was taken anew, has another head, another
owner or another place, or the rules have changed. What staff decided by what they saw is fenced by
the revision and the state of the message.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import pytest

from gateway.canonical.envelope import Marker
from gateway.errors import FencedOut
from gateway.store.redis import keys
from tests.property import test_fault_coverage as others
from tests.property import test_script_faults as steps
from tests.property.dumped import dump
from tests.property.spoiling import Prepare, prepared
from tests.property.test_script_faults import KEY, PART, message
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

Event = Callable[[Buffer], Awaitable[object]]

PREFIX = keys.partition_keys(PARTITIONS)[PART].prefix
FIRST = message(1).transaction_id


# ------------------------------------------------------------------ what happens


async def its_lease_runs_out(buffer: Buffer) -> None:
    buffer.later(5001)


async def another_has_the_lease(buffer: Buffer) -> None:
    buffer.later(5001)
    await buffer.lanes.lease(PART, "w2", 5000)


async def taken_anew(buffer: Buffer) -> None:
    await buffer.client.command("HINCRBY", f"{PREFIX}m:{FIRST}", "tn", 1)


async def another_is_the_head(buffer: Buffer) -> None:
    await buffer.client.command("LPUSH", f"{PREFIX}f:{KEY}", message(9).transaction_id)


async def out_of_its_hands(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}b:{KEY}", "st", "ready")


async def another_owner(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}b:{KEY}", "ow", "cloud")


async def not_parked(buffer: Buffer) -> None:
    await buffer.client.command("ZREM", f"{PREFIX}parked", KEY)


async def not_sought(buffer: Buffer) -> None:
    await buffer.client.command("ZREM", f"{PREFIX}sought", KEY)


async def other_rules(buffer: Buffer) -> None:
    await buffer.under(Marker(2, "v2"))


async def changed(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}m:{FIRST}", "ed", 7)


async def let_go(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}m:{FIRST}", "s", "sent")


async def sent_again(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}m:{FIRST}", "at", 5)


async def tried(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}b:{KEY}", "hs", "2")


async def one_behind_it_was_tried(buffer: Buffer) -> None:
    await buffer.client.command("HSET", f"{PREFIX}m:{message(2).transaction_id}", "n", "1")


#: What needs the take that is in somebody's hands.
IN_HAND = (
    steps.attempt, steps.stored, steps.stored_pipelined, steps.defer, steps.untake, steps.hold,
    steps.wait,
)  # fmt: skip
#: What needs the newest lease.
LEASED = (
    *IN_HAND, steps.take, steps.awaiting, steps.reroute, steps.found, steps.found_and_held,
    steps.unfound, steps.renew, others.recover, others.doubt, others.restore,
)  # fmt: skip
MOVES = (steps.move, steps.move_refused)
STAFF = (steps.edit, steps.discard, steps.discard_with_followers)

LATE: list[tuple[Prepare, Event]] = [
    *((it, event) for it in LEASED for event in (its_lease_runs_out, another_has_the_lease)),
    *(
        (it, event)
        for it in IN_HAND
        for event in (taken_anew, another_is_the_head, out_of_its_hands)
    ),
    (steps.attempt, another_owner),
    *((steps.reroute, event) for event in (not_parked, another_is_the_head, other_rules)),
    *(
        (it, event)
        for it in (steps.found, steps.found_and_held)
        for event in (not_sought, another_is_the_head, other_rules)
    ),
    *((steps.unfound, event) for event in (not_sought, another_is_the_head)),
    (others.later, not_sought),
    *(
        (it, event)
        for it in MOVES
        for event in (other_rules, another_owner, another_is_the_head, tried)
    ),
    (steps.move_refused, one_behind_it_was_tried),
    (steps.move_refused, sent_again),
    *((it, event) for it in STAFF for event in (changed, let_go, sent_again)),
    (steps.edit_early, changed),
    (steps.edit_early, let_go),
    (steps.edit_early, sent_again),
    (steps.release, let_go),
]


@pytest.mark.parametrize(
    ("prepare", "event"), LATE, ids=[f"{a.__name__}-{b.__name__}" for a, b in LATE]
)
async def test_it_comes_too_late_and_changes_nothing(
    buffer: Buffer, prepare: Prepare, event: Event
) -> None:
    run = await prepared(buffer, prepare)
    await event(buffer)
    before = await dump(buffer)
    with contextlib.suppress(FencedOut):
        await run()
    assert await dump(buffer) == before
