"""What waits for something to be put right in the ERP: tried by schedule, or as staff say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.canonical.exchange import Entry
from gateway.canonical.outcome import Absent, Booked, Cause, Refused, Stored
from gateway.flow.wake import Waker
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.test_deliver import LEGACY, Desk
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio

MISSING = Refused(Cause.UNKNOWN_ITEM, "Material TEE-BLK-M is not maintained")


@pytest.fixture
def erp() -> ScriptedErp:
    made = ScriptedErp()
    made.timing = replace(made.timing, wait_first_ms=1000, wait_max_ms=4000)
    return made


@pytest.fixture
async def order(buffer: Buffer) -> Entry:
    one = entry("A-1")
    await buffer.intake.accept(one)
    return one


async def woken(desk: Desk, one: Entry, most_ms: int = 60_000) -> int:
    """Let time pass until the message is tried again; return how long that took."""
    for waited_ms in range(0, most_ms, 50):
        if await Waker(desk.buffer.lanes).wake(await desk.lease(one)):
            return waited_ms
        desk.buffer.later(50)
    raise AssertionError(f"not tried again within {most_ms} ms")


async def spent(desk: Desk, one: Entry) -> None:
    """Deliver until nothing of the object is due."""
    while await desk.step(one):
        pass


async def test_it_is_probed_and_sent_again_each_time_twice_as_late(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [*[MISSING] * 4, Booked("D-5")]
    erp.probes = [Absent()] * 4
    await spent(desk, order)
    waits = []
    for _ in range(4):
        waits.append(await woken(desk, order))
        await spent(desk, order)
    for waited_ms, step_ms in zip(waits, (1000, 2000, 4000, 4000), strict=True):
        assert 0.9 * step_ms <= waited_ms <= 1.1 * step_ms + 50
    assert (await desk.state(order)).document == "D-5"
    assert [what for what, _ in erp.asked] == ["send"] + ["probe", "send"] * 4


async def test_it_shows_as_waiting_with_its_cause(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [MISSING]
    await spent(desk, order)
    progress = await desk.state(order)
    assert (progress.state, progress.cause) == ("waiting", "unknown-item")
    backlog = await buffer.lanes.backlog()
    assert (backlog["waits"], backlog["held"], backlog["legacy"]) == (1, 0, 0)
    kinds = [kind for kind, _ in await buffer.kinds(order.object_key)]
    assert kinds == ["accepted", "attempted", "waits"]


async def test_staff_release_it_at_once_and_the_next_wait_is_short_again(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [*[MISSING] * 3, Booked("D-4")]
    erp.probes = [MISSING] * 3
    await spent(desk, order)
    await woken(desk, order)
    await spent(desk, order)
    assert await buffer.lanes.release_held(order.transaction_id, "ann")
    assert not await buffer.lanes.release_held(order.transaction_id, "ann"), "once is enough"
    await spent(desk, order)
    assert await woken(desk, order) <= 1150
    await spent(desk, order)
    assert (await desk.state(order)).state == "booked"
    assert (await buffer.lanes.backlog())["waits"] == 0


async def test_what_somebody_booked_meanwhile_is_found_not_sent(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends, erp.probes = [MISSING], [Booked("D-by-hand")]
    await spent(desk, order)
    await woken(desk, order)
    await spent(desk, order)
    assert (await desk.state(order)).document == "D-by-hand"
    assert [what for what, _ in erp.asked] == ["send", "probe"]


async def test_where_the_erp_posts_failed_documents_again_they_are_only_looked_at(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    erp.timing = replace(erp.timing, reposts=True)
    desk = Desk(buffer, erp)
    erp.sends, erp.probes = [MISSING], [MISSING, MISSING, Booked("D-1")]
    await spent(desk, order)
    for _ in range(3):
        await woken(desk, order)
        await spent(desk, order)
    assert [what for what, _ in erp.asked] == ["send", "probe", "probe", "probe"]
    assert (await desk.state(order)).document == "D-1"


async def test_only_its_own_object_waits_behind_it(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    behind = entry("A-1", process="order.cancellation", reference="X-1")
    other = entry("A-2")
    await buffer.intake.accept(behind)
    await buffer.intake.accept(other)
    desk = Desk(buffer, erp)
    erp.sends = [MISSING, Booked("D-2")]
    await spent(desk, order)
    await spent(desk, other)
    assert (await desk.state(other)).state == "booked"
    assert (await desk.state(behind)).state == "waiting"
    erp.probes, erp.sends = [Absent()], [Booked("D-1"), Booked("D-X")]
    await woken(desk, order)
    await spent(desk, order)
    assert [(await desk.state(it)).document for it in (order, behind)] == ["D-1", "D-X"]


async def test_a_receipt_whose_posting_waits_does_not_stop_its_store_day(
    buffer: Buffer, erp: ScriptedErp
) -> None:
    receipts = [
        entry("NL-001", process="store.sale", reference=f"{n}", pipelined=True) for n in range(3)
    ]
    desk = Desk(buffer, erp)
    for one in receipts[:2]:
        await buffer.intake.accept(one)
    erp.sends = [Stored("D-0"), Stored("D-1")]
    await spent(desk, receipts[0])
    erp.posted = {"D-0": Refused(Cause.CLOSED_PERIOD, "not open"), "D-1": Booked("D-1")}
    buffer.later(501)
    permit = await desk.quotas.one(LEGACY)
    await desk.confirmer.confirm(desk.keeper.held(), LEGACY, permit)
    await buffer.intake.accept(receipts[2])
    erp.sends = [Booked("D-2")]
    await spent(desk, receipts[2])
    assert [(await desk.state(it)).state for it in receipts] == ["waiting", "booked", "booked"]
    erp.probes, erp.sends = [erp.posted["D-0"]], [Booked("D-0b")]
    await woken(desk, receipts[0])
    await spent(desk, receipts[0])
    assert (await desk.state(receipts[0])).document == "D-0b"
