"""Deliver: one settlement per outcome, a probe before any resend, absence only when final."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from gateway.canonical.exchange import Entry, Lease, Limits, Progress, Taken, Traffic, Window
from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Outcome,
    Probed,
    Refused,
    Stored,
    Unknown,
)
from gateway.canonical.process import Target
from gateway.errors import StoreUnavailable
from gateway.flow.confirm import Confirmer
from gateway.flow.deliver import Deliverer
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp, StillClock
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY


class Desk:
    """One worker on one order, step by step."""

    def __init__(self, buffer: Buffer, erp: ScriptedErp) -> None:
        self.buffer, self.erp, self.notes = buffer, erp, Notes()
        limits = Limits(5, (Window(100, 1000),), 3000)
        self.quotas = OpenQuotas(buffer.client, {LEGACY: limits})
        self.clock = StillClock()
        self.keeper = LeaseKeeper(buffer.lanes, self.clock, "w1", PARTITIONS, 60_000, Random(1))
        workplace = Workplace(
            buffer.lanes, self.quotas, {LEGACY: erp}, self.keeper, self.notes, self.clock, Random(1)
        )
        self.deliverer, self.confirmer = Deliverer(workplace), Confirmer(workplace)

    async def lease(self, one: Entry) -> Lease:
        await self.keeper.tick()
        partition = int(one.transaction_id[:2], 16)
        return next(it for it in self.keeper.held() if it.partition == partition)

    async def step(self, one: Entry) -> bool:
        """Take the object's head, if it is due, and deliver it one step."""
        lease = await self.lease(one)
        taken = await self.buffer.lanes.take(lease, LEGACY, 1)
        for it in taken:
            permit = await self.quotas.one(LEGACY)
            await self.deliverer.deliver(it, permit)
            await self.quotas.give_back(LEGACY, [permit])
        return bool(taken)

    async def state(self, one: Entry) -> Progress:
        progress = await self.buffer.intake.progress(one.transaction_id)
        assert progress is not None
        return progress


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


@pytest.fixture
async def order(buffer: Buffer) -> Entry:
    one = entry("A-1")
    await buffer.intake.accept(one)
    return one


SEND_OUTCOMES: list[tuple[Outcome, str]] = [
    (Booked("D-1"), "booked"),
    (Stored("D-1"), "stored"),
    (Refused(Cause.UNKNOWN_ORDER, "no such order"), "held"),
    (Refused(Cause.UNKNOWN_ITEM, "no such item"), "waiting"),
    (Busy("too many sessions"), "waiting"),
    (Unknown("no answer"), "sent"),
]


@pytest.mark.parametrize(("outcome", "state"), SEND_OUTCOMES)
async def test_each_outcome_of_a_send_has_one_settlement(
    buffer: Buffer, erp: ScriptedErp, order: Entry, outcome: Outcome, state: str
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [outcome]
    await desk.step(order)
    assert (await desk.state(order)).state == state
    usage = await desk.quotas.usage(LEGACY)
    assert (usage.in_flight, usage.in_window) == (0, 1)


async def test_an_attempt_says_what_shaped_it_also_if_its_answer_is_lost(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends, erp.shaped_by = [Unknown("no answer")], "sku 3 (item-master)"
    await desk.step(order)
    partition = int(order.transaction_id[:2], 16)
    events = await buffer.feed.events(partition, "0-0", 10)
    [attempted] = [it for it in events if it.kind == "attempted"]
    assert attempted.fields == {"attempt": "1", "shaped_by": "sku 3 (item-master)"}


PROBE_ANSWERS: list[tuple[Probed, str]] = [
    (Booked("D-1"), "booked"),
    (Stored("D-1"), "stored"),
    (Refused(Cause.TOTAL_DIFFERS, "control total"), "held"),
    (Absent(), "sent"),
    (Busy("closed"), "sent"),
    (Unknown("no answer"), "sent"),
]


@pytest.mark.parametrize(("answer", "state"), PROBE_ANSWERS)
async def test_after_an_unknown_outcome_it_is_probed_not_sent_again(
    buffer: Buffer, erp: ScriptedErp, order: Entry, answer: Probed, state: str
) -> None:
    desk = Desk(buffer, erp)
    erp.sends, erp.probes = [Unknown("no answer")], [answer]
    await desk.step(order)
    buffer.later(300)
    assert await desk.step(order)
    assert (await desk.state(order)).state == state
    assert [what for what, _ in erp.asked] == ["send", "probe"]


async def test_absent_is_final_only_when_no_earlier_request_can_still_arrive(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [Unknown("no answer"), Booked("D-1")]
    erp.probes = [Absent()] * 100
    await desk.step(order)
    waited_ms = 0
    while len([what for what, _ in erp.asked if what == "send"]) == 1:
        buffer.later(50)
        waited_ms += 50
        await desk.step(order)
        assert waited_ms < 20_000
    assert waited_ms >= erp.timing.absent_final_ms
    assert waited_ms < erp.timing.absent_final_ms + 1000
    assert (await desk.state(order)).document == "D-1"


async def test_a_booking_that_arrives_late_is_found_and_not_doubled(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [Unknown("no answer")]
    erp.probes = [Absent(), Absent(), Booked("D-late")]
    await desk.step(order)
    for _ in range(200):
        buffer.later(50)
        await desk.step(order)
    assert (await desk.state(order)).document == "D-late"
    assert [what for what, _ in erp.asked].count("send") == 1


async def test_retry_after_closes_the_erp_for_everyone(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [Busy("429", retry_after_ms=3000, closes=True)]
    await desk.step(order)
    assert (await desk.quotas.acquire(LEGACY, {Traffic.HIGH: 1})).wait_ms == 3000
    buffer.later(2999)
    assert (await desk.quotas.usage(LEGACY)).closed_ms == 1


async def test_a_message_taken_too_often_without_an_outcome_is_held_as_poison(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    lease = await desk.lease(order)
    for _ in range(3):
        (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
        await buffer.lanes.defer(taken, 0, unknown=False, reason="died", outcome=False)
    await desk.step(order)
    progress = await desk.state(order)
    assert (progress.state, progress.cause) == ("held", "poison")
    assert erp.asked == []


async def test_a_message_that_cannot_be_read_is_held_not_lost(
    buffer: Buffer, erp: ScriptedErp
) -> None:
    one = entry("A-1")
    spoilt = Entry(
        one.transaction_id,
        one.object_key,
        one.claim,
        one.digest,
        1,
        LEGACY,
        1,
        "webshop",
        b"{not json",
    )
    await buffer.intake.accept(spoilt)
    desk = Desk(buffer, erp)
    await desk.step(one)
    assert (await buffer.lanes.backlog())["held"] == 1


async def test_a_worker_whose_lease_ended_does_not_send(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    lease = await desk.lease(order)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    desk.clock.passed_s += 60
    permit = await desk.quotas.one(LEGACY)
    await desk.deliverer.deliver(taken, permit)
    assert erp.asked == []


async def test_an_answer_is_settled_through_an_outage_of_the_store(
    buffer: Buffer, erp: ScriptedErp, order: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(buffer, erp)
    erp.sends = [Booked("D-1")]
    real, failures = buffer.lanes.book, [1, 2, 3]

    async def flaky(*args: str) -> None:
        if failures:
            failures.pop()
            raise StoreUnavailable("gone for a moment")
        await real(*args)

    monkeypatch.setattr(buffer.lanes, "book", flaky)
    await desk.step(order)
    assert (await desk.state(order)).state == "booked"


async def test_a_released_message_whose_old_document_still_failed_is_sent_anew(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    refusal = Refused(Cause.NOT_ACCEPTED, "not like this")
    erp.sends, erp.probes = [refusal, Booked("D-2")], [refusal]
    await desk.step(order)
    await buffer.lanes.release_held(order.transaction_id, "sam")
    for _ in range(2):
        buffer.later(1)
        await desk.step(order)
    assert [what for what, _ in erp.asked] == ["send", "probe", "send"]
    assert (await desk.state(order)).document == "D-2"


async def test_a_released_message_that_staff_booked_meanwhile_is_not_sent_again(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.sends, erp.probes = [Refused(Cause.NOT_ACCEPTED, "no")], [Booked("D-by-hand")]
    await desk.step(order)
    await buffer.lanes.release_held(order.transaction_id, "sam")
    await desk.step(order)
    assert (await desk.state(order)).document == "D-by-hand"


async def test_after_a_resend_the_old_refusal_does_not_close_the_new_attempt(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    refusal = Refused(Cause.NOT_ACCEPTED, "not like this")
    erp.sends = [refusal, Unknown("no answer")]
    erp.probes = [refusal, refusal, refusal, Booked("D-2")]
    await desk.step(order)
    await buffer.lanes.release_held(order.transaction_id, "sam")
    for _ in range(200):
        buffer.later(50)
        await desk.step(order)
    assert [what for what, _ in erp.asked] == ["send", "probe", "send", "probe", "probe", "probe"]
    assert (await desk.state(order)).document == "D-2"


async def test_a_repeated_deferral_never_closes_the_attempt_that_followed(
    buffer: Buffer, erp: ScriptedErp, order: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store takes the deferral, its answer is lost, and the object leaves again meanwhile."""
    desk = Desk(buffer, erp)
    erp.sends = [Busy("too many sessions")]
    real, lost = buffer.lanes.defer, [1]

    async def answer_lost(taken: Taken, delay_ms: int, **more: Any) -> bool:
        done = await real(taken, delay_ms, **more)
        if lost:
            lost.pop()
            buffer.later(60_000 - 1)
            (again,) = await buffer.lanes.take(taken.lease, LEGACY, 1)
            assert await buffer.lanes.attempt(again)
            raise StoreUnavailable("the answer was lost")
        return done

    monkeypatch.setattr(buffer.lanes, "defer", answer_lost)
    await desk.step(order)
    buffer.at(int(buffer.client.now_ms))
    assert (await desk.state(order)).state == "sent", "the second attempt is still open"


async def test_stored_documents_are_polled_together_until_posted_or_failed(
    buffer: Buffer, erp: ScriptedErp
) -> None:
    desk = Desk(buffer, erp)
    orders = [entry(f"A-{n}") for n in range(12)]
    for n, one in enumerate(orders):
        await buffer.intake.accept(one)
        erp.sends = [Stored(f"D-{n}")]
        await desk.step(one)
    erp.posted = {f"D-{n}": Booked(f"D-{n}", "") for n in range(10)}
    erp.posted["D-10"] = Refused(Cause.CLOSED_PERIOD, "period 10 is closed")
    erp.posted["D-11"] = Refused(Cause.TOTAL_DIFFERS, "the items add up to 1.00")
    buffer.later(501)
    permit = await desk.quotas.one(LEGACY)
    await desk.confirmer.confirm(desk.keeper.held(), LEGACY, permit)
    states = [(await desk.state(one)).state for one in orders]
    assert states == ["booked"] * 10 + ["waiting", "held"]
    assert sum(what == "confirm" for what, _ in erp.asked) == 1
