"""Windows of an ERP: no call starts that could reach into one, and none is lost to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from gateway.canonical.exchange import Entry, Lease, Limits, Ready, Window
from gateway.canonical.outcome import Booked, Unknown
from gateway.canonical.process import Target
from gateway.canonical.window import ErpWindow
from gateway.errors import ErpUnavailable
from gateway.flow.calls import Caller
from gateway.flow.deliver import Deliverer
from gateway.flow.dispatch import Dispatcher
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from gateway.policy.windows import Windows
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp, StillClock
from tests.valkey import NOW_MS, PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def closing(in_s: float, for_s: float, *, writes_only: bool = False, process: str = "") -> Windows:
    """One window that begins ``in_s`` from now and lasts ``for_s``."""
    begin = NOW + timedelta(seconds=in_s)
    end = begin + timedelta(seconds=for_s)
    window = ErpWindow(
        window_id="test",
        erp=LEGACY,
        zone=ZoneInfo("UTC"),
        begins=begin.time(),
        ends=end.time(),
        days_on=(end.date() - begin.date()).days,
        first=begin.date(),
        last=begin.date(),
        processes=frozenset({process} if process else ()),
        writes_only=writes_only,
    )
    return Windows([window])


class Desk:
    """One worker, a scripted ERP with calls of at most a second, and its windows."""

    def __init__(self, buffer: Buffer, windows: Windows) -> None:
        self.buffer, self.erp, self.clock, self.notes = buffer, ScriptedErp(), StillClock(), Notes()
        limits = Limits(5, (Window(100, 1000),), 3000)
        self.quotas = OpenQuotas(buffer.client, {LEGACY: limits})
        self.keeper = LeaseKeeper(buffer.lanes, self.clock, "w1", PARTITIONS, 3_600_000, Random(1))
        self.workplace = Workplace(
            buffer.lanes, self.quotas, {LEGACY: self.erp}, self.keeper, self.notes, self.clock,
            Random(1), windows,
        )  # fmt: skip
        self.deliverer = Deliverer(self.workplace)

    async def step(self, one: Entry) -> bool:
        await self.keeper.tick()
        partition = int(one.transaction_id[:2], 16)
        lease = next(it for it in self.keeper.held() if it.partition == partition)
        taken = await self.buffer.lanes.take(lease, LEGACY, 1)
        for it in taken:
            permit = await self.quotas.one(LEGACY)
            await self.deliverer.deliver(it, permit)
            await self.quotas.give_back(LEGACY, [permit])
        return bool(taken)

    def later(self, seconds: float) -> None:
        self.clock.passed_s += seconds
        self.buffer.later(round(seconds * 1000))

    async def state(self, one: Entry) -> str:
        progress = await self.buffer.intake.progress(one.transaction_id)
        assert progress is not None
        return progress.state


@pytest.fixture
async def order(buffer: Buffer) -> Entry:
    one = entry("A-1")
    await buffer.intake.accept(one)
    return one


@pytest.mark.parametrize("in_s", [-60, 0, 2.9])
async def test_a_send_waits_for_the_end_of_the_window(
    buffer: Buffer, order: Entry, in_s: float
) -> None:
    desk = Desk(buffer, closing(in_s, 600))
    desk.erp.sends = [Booked("D-1")]
    assert await desk.step(order)
    assert (desk.erp.asked, await desk.state(order)) == ([], "waiting")
    usage = await desk.quotas.usage(LEGACY)
    assert (usage.in_flight, usage.in_window) == (0, 0), "the permit came back unused"
    desk.later(599 + in_s)
    assert not await desk.step(order), "not due before the window ends"
    desk.later(1.1)
    assert await desk.step(order)
    assert await desk.state(order) == "booked"


async def test_a_send_that_ends_in_time_goes(buffer: Buffer, order: Entry) -> None:
    desk = Desk(buffer, closing(3.1, 600))
    desk.erp.sends = [Booked("D-1")]
    assert await desk.step(order)
    assert await desk.state(order) == "booked"


async def test_a_probe_goes_while_only_writes_are_closed(buffer: Buffer, order: Entry) -> None:
    desk = Desk(buffer, closing(3.1, 600, writes_only=True))
    desk.erp.sends, desk.erp.probes = [Unknown("no answer")], [Booked("D-1")]
    await desk.step(order)
    desk.later(30)
    assert await desk.step(order)
    assert [what for what, _ in desk.erp.asked] == ["send", "probe"]
    assert await desk.state(order) == "booked"


async def test_a_probe_waits_where_all_is_closed_and_the_attempt_stays_open(
    buffer: Buffer, order: Entry
) -> None:
    desk = Desk(buffer, closing(3.1, 600))
    desk.erp.sends, desk.erp.probes = [Unknown("no answer")], [Booked("D-1")]
    await desk.step(order)
    desk.later(30)
    assert await desk.step(order)
    assert [what for what, _ in desk.erp.asked] == ["send"]
    assert await desk.state(order) == "sent", "still unknown: nothing may be sent"
    desk.later(600)
    assert await desk.step(order)
    assert await desk.state(order) == "booked"


async def test_a_window_for_one_process_lets_others_go(buffer: Buffer, order: Entry) -> None:
    desk = Desk(buffer, closing(-1, 600, process="store.sale"))
    desk.erp.sends = [Booked("D-1")]
    assert await desk.step(order)
    assert await desk.state(order) == "booked"


@pytest.mark.parametrize(("writes_only", "polls"), [(True, 1), (False, 0)])
async def test_nothing_is_taken_out_of_its_lane_in_a_window(
    buffer: Buffer, order: Entry, writes_only: bool, polls: int
) -> None:
    desk = Desk(buffer, closing(-1, 600, writes_only=writes_only))
    await desk.keeper.tick()
    dispatcher = Dispatcher(LEGACY, desk.workplace, 8)
    ready = await buffer.lanes.ready(desk.keeper.held(), LEGACY)
    stored = {lease: type(it)(it.by_class, 1) for lease, it in ready.items()}
    allowed = dispatcher._allowed(stored).values()
    assert sum(it.objects for it in allowed) == 0
    assert {it.polls for it in allowed} == {polls}
    desk.later(600)
    assert sum(it.objects for it in dispatcher._allowed(ready).values()) == 1


@pytest.mark.parametrize(("in_s", "polls"), [(2.9, 0), (3.1, 1)])
async def test_no_poll_starts_that_could_reach_into_a_window(
    buffer: Buffer, in_s: float, polls: int
) -> None:
    """Its permit is good for a while, and then it may last a second."""
    desk = Desk(buffer, closing(in_s, 600))
    lease = Lease(0, 1)
    found = Dispatcher(LEGACY, desk.workplace, 8)._allowed({lease: Ready((0, 0, 0, 0), 1)})
    assert found[lease].polls == polls


async def test_an_enquiry_in_a_window_says_when_to_come_again(buffer: Buffer) -> None:
    desk = Desk(buffer, closing(5, 600))
    caller = Caller(desk.quotas, desk.clock, desk.workplace.windows)

    async def ask() -> str:
        raise AssertionError("nobody is asked")

    with pytest.raises(ErpUnavailable) as caught:
        await caller.call(LEGACY, ask, lasts_ms=5000)
    assert caught.value.retry_after_s == 605
    assert "repeat after 2026-" in caught.value.detail
    assert (await desk.quotas.usage(LEGACY)).in_window == 0
