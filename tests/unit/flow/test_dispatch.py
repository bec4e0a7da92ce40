"""Dispatch: what is due meets permits; none is lost, none is spent on what could wait."""

from __future__ import annotations

import asyncio
from math import inf
from random import Random

import pytest

from gateway.canonical.envelope import Envelope, partition_of
from gateway.canonical.exchange import Limits, Ready, Traffic, Window
from gateway.canonical.outcome import Booked, Cause, Outcome, Probed
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.flow.deliver import TAKES_MAX
from gateway.flow.dispatch import Dispatcher
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from gateway.policy.quotas import planned, verdict, wanted
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY
LIMITS = Limits(places=3, windows=(Window(1000, 1000),), call_ms_max=3000)


class BusyErp(ScriptedErp):
    """Books everything, a moment later, and knows how many it served at once."""

    now = most = 0

    async def send(self, envelope: Envelope) -> Outcome:
        self.asked.append(("send", envelope.transaction_id))
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.005)
        self.now -= 1
        return Booked(f"D-{envelope.transaction_id}")


class BrokenErp(BusyErp):
    """Fails within our own code, with what was sent perhaps booked."""

    async def send(self, envelope: Envelope) -> Outcome:
        self.asked.append(("send", envelope.transaction_id))
        raise RuntimeError("nobody foresaw this")

    async def probe(self, envelope: Envelope) -> Probed:
        self.asked.append(("probe", envelope.transaction_id))
        raise RuntimeError("nor this")


class Hall:
    """One worker with its dispatcher."""

    def __init__(self, buffer: Buffer, in_flight_max: int = 32, erp: BusyErp | None = None) -> None:
        self.buffer, self.erp, self.notes = buffer, erp or BusyErp(), Notes()
        self.quotas = OpenQuotas(buffer.client, {LEGACY: LIMITS})
        clock = SystemClock()
        self.keeper = LeaseKeeper(buffer.lanes, clock, "w1", PARTITIONS, 60_000, Random(1))
        workplace = Workplace(
            buffer.lanes, self.quotas, {LEGACY: self.erp}, self.keeper, self.notes, clock, Random(1)
        )
        self.dispatcher = Dispatcher(LEGACY, workplace, in_flight_max)

    async def drain(self, count: int) -> None:
        """Dispatch until so many calls were made and ended."""
        await self.keeper.tick()
        stop = asyncio.Event()
        running = asyncio.create_task(self.dispatcher.run(stop))
        async with asyncio.timeout(30):
            while len(self.erp.asked) < count or self.erp.now:  # noqa: ASYNC110 -- nothing tells
                await asyncio.sleep(0.01)
        stop.set()
        await running


async def test_everything_is_sent_and_every_permit_comes_back(buffer: Buffer) -> None:
    buffer.client.now_ms = ""
    hall = Hall(buffer)
    orders = [entry(f"A-{n}") for n in range(30)]
    for one in orders:
        await buffer.intake.accept(one)
    await hall.drain(30)
    assert sorted(it for _, it in hall.erp.asked) == sorted(it.transaction_id for it in orders)
    assert hall.erp.most <= LIMITS.places
    use = await hall.quotas.usage(LEGACY)
    assert (use.in_flight, sum(use.waiting.values())) == (0, 0)
    assert hall.notes.troubles == []


async def test_the_most_urgent_of_all_partitions_goes_first(buffer: Buffer) -> None:
    hall = Hall(buffer, in_flight_max=1)
    orders = [entry(f"A-{n}") for n in range(6)]
    sales = [entry(f"S-{n}", process="store.sale", target=LEGACY) for n in range(6)]
    for one in (*sales, *orders):
        await buffer.intake.accept(one)
    buffer.client.now_ms = ""
    await hall.drain(12)
    urgent = {it.transaction_id for it in orders}
    assert {it for _, it in hall.erp.asked[:6]} == urgent


async def test_what_fails_unforeseen_is_looked_for_not_sent_again_and_poison_in_the_end(
    buffer: Buffer,
) -> None:
    """Whether it was booked is not known, and nobody but staff can tell what is wrong with it."""
    hall, one = Hall(buffer, erp=BrokenErp()), entry("A-1")
    await buffer.intake.accept(one)
    await hall.keeper.tick()
    part = partition_of(one.object_key, PARTITIONS)
    (lease,) = [it for it in hall.keeper.held() if it.partition == part]
    for _ in range(TAKES_MAX + 1):
        (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
        permit = await hall.quotas.one(LEGACY)
        await hall.dispatcher._deliver([taken], permit)
        await hall.quotas.give_back(LEGACY, [permit])
        buffer.later(1000)
    assert [call for call, _ in hall.erp.asked] == ["send", "probe", "probe"]
    case = await buffer.desk.case(one.transaction_id)
    assert case is not None
    assert (case.state, case.cause) == ("held", Cause.POISON)
    assert case.open_ms is not None, "the attempt stays open: it may be booked"


async def test_a_give_back_that_failed_is_repeated(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer.client.now_ms = ""
    hall = Hall(buffer)
    real, failures = hall.quotas._turn, [1, 2]

    async def shaky(*args: object) -> object:
        if failures and len(hall.erp.asked) > 2:
            failures.pop()
            raise StoreUnavailable("gone for a moment")
        return await real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(hall.quotas, "_turn", shaky)
    for n in range(6):
        await buffer.intake.accept(entry(f"A-{n}"))
    await hall.drain(6)
    assert not failures
    assert (await hall.quotas.usage(LEGACY)).in_flight == 0


def test_what_is_wanted_is_the_most_urgent_that_there_is_room_for() -> None:
    work = [Ready((1, 0, 5, 9), 0), Ready((0, 2, 0, 0), 150)]
    assert wanted(work, 7, 100) == {
        Traffic.CRITICAL: 1, Traffic.HIGH: 4, Traffic.NORMAL: 2, Traffic.LOW: 0,
    }  # fmt: skip


def test_permits_go_to_their_class_wherever_it_waits() -> None:
    work = [("a", Ready((0, 0, 0, 9), 0)), ("b", Ready((1, 0, 3, 0), 0))]
    permits = {Traffic.CRITICAL: 1, Traffic.NORMAL: 2, Traffic.LOW: 3}
    assert planned(permits, work) == {"a": [0, 0, 0, 2], "b": [1, 0, 3, 0]}


def test_of_equally_urgent_ones_what_is_due_the_longest_gets_a_permit() -> None:
    work = [
        ("unknown", Ready((0, 9, 0, 0), 0)),
        ("new", Ready((0, 9, 0, 0), 0, (inf, 30, inf, inf))),
        ("old", Ready((0, 1, 9, 0), 0, (inf, 20, 10, inf))),
    ]
    assert planned({Traffic.HIGH: 1}, work) == {"old": [0, 1, 0, 0]}
    assert planned({Traffic.HIGH: 3}, work) == {"old": [0, 1, 0, 0], "new": [0, 2, 0, 0]}
    assert planned({Traffic.HIGH: 11}, work)["unknown"] == [0, 1, 0, 0]


def test_what_an_answer_says_of_the_erp() -> None:
    assert [verdict(it) for it in (201, 404, 401, 429, 500, 503)] == [
        "ok", "ok", "ok", "busy", "fail", "fail",
    ]  # fmt: skip
    assert verdict(500, fault=True) == "ok", "SOAP 1.1 sends business faults as 500"
