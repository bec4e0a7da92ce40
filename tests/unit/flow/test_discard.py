"""Discard: nothing that may be booked is given up, and the object goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.canonical.exchange import StaffRefused, Wanted
from gateway.canonical.outcome import Absent, Booked, Busy, Cause, Refused, Stored, Unknown
from gateway.errors import (
    Conflict,
    ErpUnavailable,
)
from gateway.flow.status import Statuses
from tests.unit.flow.staffroom import LEAD, OPERATOR, REFUSED, Staffroom, order_body
from tests.valkey import entry

pytestmark = pytest.mark.anyio

LARGER: dict[str, Any] = {"lines": [{"line": 1, "sku": "TEE-BLK-L", "quantity": 1,
                                     "unit_price": "19.95"}]}  # fmt: skip


async def test_a_discarded_order_is_never_booked_and_its_channel_is_told(room: Staffroom) -> None:
    one = await room.refused()
    room.erp.probes = [Absent()]
    done = await room.corrector.discard(LEAD, one.transaction_id, reason="a test order")
    assert (done.transaction_ids, done.held) == ([one.transaction_id], "")
    await room.spend(one)
    await room.project(one)
    assert [what for what, _ in room.erp.asked] == ["send", "probe"]
    assert await room.buffer.intake.progress(one.transaction_id) is None
    statuses = Statuses(room.buffer.intake, room.ledger, room.worker.clock)
    view = await statuses.wait_until_booked(one.transaction_id, 5)
    assert view is not None
    assert view.status == "discarded"
    assert await room.audited() == [("lee", "exceptions.discard", one.transaction_id)]
    assert await room.ledger.exceptions(Wanted(), 0, 9) == []
    for act in (room.exceptions.retry(LEAD, one.transaction_id),
                room.corrector.discard(LEAD, one.transaction_id, reason="again")):  # fmt: skip
        with pytest.raises(Conflict, match="it was discarded"):
            await act


async def test_what_follows_a_discarded_order_is_held_one_after_the_other(room: Staffroom) -> None:
    one = await room.refused()
    behind = [await room.follow(one, f"X-{n}") for n in range(2)]
    room.erp.probes = [Absent()]
    done = await room.corrector.discard(LEAD, one.transaction_id, reason="a test order")
    assert done.held == behind[0].transaction_id
    await room.spend(one)
    await room.project(one)
    (held,) = await room.ledger.exceptions(Wanted(), 0, 9)
    assert (held.transaction_id, held.cause) == (behind[0].transaction_id, "order-discarded")
    assert one.transaction_id in held.detail
    assert (await room.worker.state(behind[1])).state == "waiting"
    await room.corrector.discard(LEAD, behind[0].transaction_id, reason="no order")
    assert (await room.worker.state(behind[1])).cause == "order-discarded"
    await room.exceptions.retry(LEAD, behind[1].transaction_id)
    room.erp.sends = [Refused(Cause.UNKNOWN_ORDER, "no such order")]
    await room.spend(one)
    assert (await room.worker.state(behind[1])).cause == "unknown-order"


async def test_followers_can_be_discarded_with_their_order(room: Staffroom) -> None:
    one = await room.refused()
    behind = [await room.follow(one, f"X-{n}") for n in range(3)]
    room.erp.probes = [Absent()]
    done = await room.corrector.discard(
        LEAD, one.transaction_id, reason="a test order", with_followers=True
    )
    assert done.transaction_ids == [it.transaction_id for it in (one, *behind)]
    assert done.held == ""
    assert [what for what, _ in room.erp.asked] == ["send", "probe"]


async def test_what_follows_a_discarded_receipt_goes_on(room: Staffroom) -> None:
    first, second = (
        entry("NL-001", process="store.sale", reference=f"{n}", pipelined=True) for n in range(2)
    )
    for one in (first, second):
        await room.buffer.intake.accept(one)
    room.erp.sends = [REFUSED]
    await room.worker.step(first)
    room.erp.probes, room.erp.sends = [Absent()], [Booked("D-2")]
    done = await room.corrector.discard(LEAD, first.transaction_id, reason="typed twice")
    assert done.held == ""
    await room.spend(second)
    assert (await room.worker.state(second)).state == "booked"


async def test_what_turns_out_to_be_booked_is_recorded_not_discarded(room: Staffroom) -> None:
    one = await room.refused()
    room.erp.probes = [Booked("BY-HAND")]
    with pytest.raises(Conflict, match="is booked, as document BY-HAND"):
        await room.corrector.discard(LEAD, one.transaction_id, reason="give up")
    assert (await room.worker.state(one)).document == "BY-HAND"


@pytest.mark.parametrize("probed", [Stored("I-1"), Busy("full"), Unknown("no answer")])
async def test_what_may_be_booked_is_not_discarded(
    room: Staffroom, probed: Stored | Busy | Unknown
) -> None:
    one = await room.refused()
    room.erp.probes = [probed]
    with pytest.raises((Conflict, ErpUnavailable)):
        await room.corrector.discard(LEAD, one.transaction_id, reason="give up")
    assert (await room.worker.state(one)).state == "held"


async def poisoned(room: Staffroom) -> str:
    """An order whose outcome is unknown, held because it was taken too often."""
    one = entry("P-1", body=order_body("P-1"))
    await room.buffer.intake.accept(one)
    lease = await room.worker.lease(one)
    (taken,) = await room.buffer.lanes.take(lease, room.erp.name, 1)
    await room.buffer.lanes.attempt(taken)
    await room.buffer.lanes.hold(taken, Cause.POISON, "taken 4 times")
    await room.project(one)
    return one.transaction_id


async def test_while_an_attempt_is_open_only_absence_for_good_allows_a_discard(
    room: Staffroom,
) -> None:
    poison = await poisoned(room)
    with pytest.raises(Conflict, match="an attempt is open"):
        await room.corrector.edit(OPERATOR, poison, LARGER, reason="x")
    room.buffer.later(5000)
    room.erp.probes = [Absent(), Absent()]
    with pytest.raises(Conflict, match="can still arrive; repeat in 5 s"):
        await room.corrector.discard(LEAD, poison, reason="give up")
    room.buffer.later(5000)
    assert (await room.corrector.discard(LEAD, poison, reason="give up")).transaction_ids


async def test_an_attempt_that_began_since_it_was_looked_for_is_in_the_way(
    room: Staffroom,
) -> None:
    poison = await poisoned(room)
    case = await room.buffer.desk.case(poison)
    assert case is not None
    stale = replace(case, open_since_ms=(case.open_since_ms or 0) - 1)
    answer = await room.buffer.desk.discard(stale, "lee", "x", creates=True, absent=True)
    assert isinstance(answer, StaffRefused)
    assert answer.why == "open"
