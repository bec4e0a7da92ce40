"""A batch against windows, poison and an ERP that answers for some only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

import pytest

from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import Entry, Limits, Taken, Timing, Window
from gateway.canonical.outcome import Absent, Booked, Delayed, Outcome, Probed, Refused
from gateway.canonical.process import Target
from gateway.flow.batch import BatchDeliverer
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from gateway.policy.windows import Windows
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp, StillClock
from tests.unit.flow.test_closed import closing
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY
LIMITS = Limits(5, (Window(100, 1000),), 3000)


class ManyErp(ScriptedErp):
    """Books whatever comes together, but says nothing of those in ``silent``."""

    def __init__(self) -> None:
        super().__init__()
        self.offered = True
        self.silent: set[str] = set()
        self.together: list[tuple[str, ...]] = []

    async def send_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Outcome]:
        ids = tuple(it.transaction_id for it in envelopes)
        self.together.append(("send", *ids))
        return {it: Booked(f"D-{it}") for it in ids if it not in self.silent}

    async def probe_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Probed]:
        ids = tuple(it.transaction_id for it in envelopes)
        self.together.append(("probe", *ids))
        return dict.fromkeys(ids, Absent())


class Desk:
    """One worker that takes all there is, once, and brings it one step on together."""

    def __init__(self, buffer: Buffer, erp: ManyErp, windows: Windows | None = None) -> None:
        self.buffer, self.erp = buffer, erp
        self.quotas = OpenQuotas(buffer.client, {LEGACY: LIMITS})
        clock = StillClock()
        self.keeper = LeaseKeeper(buffer.lanes, clock, "w1", PARTITIONS, 60_000, Random(1))
        workplace = Workplace(
            buffer.lanes, self.quotas, {LEGACY: erp}, self.keeper, Notes(), clock, Random(1),
            windows or Windows(),
        )  # fmt: skip
        self.deliverer = BatchDeliverer(workplace)

    async def take(self) -> list[Taken]:
        await self.keeper.tick()
        found = [await self.buffer.lanes.take(it, LEGACY, 9) for it in self.keeper.held()]
        return [one for each in found for one in each]

    async def step(self) -> None:
        permit = await self.quotas.one(LEGACY)
        assert await self.deliverer.deliver_many(await self.take(), permit, self.erp) == []
        await self.quotas.give_back(LEGACY, [permit])

    async def states(self, *entries: Entry) -> list[str]:
        found = [await self.buffer.intake.progress(it.transaction_id) for it in entries]
        return ["" if it is None else it.state for it in found]


async def accepted(buffer: Buffer, count: int, process: str = "order.intake") -> list[Entry]:
    entries = [entry(f"{process}-{n}", process=process) for n in range(count)]
    for one in entries:
        await buffer.intake.accept(one)
    return entries


async def test_each_attempt_of_a_batch_says_what_shaped_it_and_a_gap_is_not_in_the_call(
    buffer: Buffer,
) -> None:
    erp = ManyErp()
    entries = await accepted(buffer, 3)
    ids = [it.transaction_id for it in entries]
    erp.shaped_by, erp.refuses = "sku 3 (item-master)", {ids[1]}
    await Desk(buffer, erp).step()
    assert [set(it) for it in erp.together] == [{"send", ids[0], ids[2]}]
    kept: dict[str, list[tuple[str, str]]] = {it: [] for it in ids}
    for one in entries:
        events = await buffer.feed.events(int(one.transaction_id[:2], 16), "0-0", 100)
        kept[one.transaction_id] = [
            (it.kind, it.fields.get("shaped_by", ""))
            for it in events
            if it.transaction_id == one.transaction_id and it.kind != "accepted"
        ]
    booked = [("attempted", "sku 3 (item-master)"), ("booked", "")]
    assert kept == {
        ids[0]: booked,
        ids[1]: [("waits", "")],
        ids[2]: booked,
    }


async def test_no_attempt_begins_while_another_of_the_batch_is_still_prepared(
    buffer: Buffer,
) -> None:
    """It would be older than its request: "absent" would be final before that has arrived."""
    ready, go_on = asyncio.Event(), asyncio.Event()

    class Slow(ManyErp):
        async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
            if envelope.transaction_id == entries[1].transaction_id:
                ready.set()
                await go_on.wait()
            return await super().prepare(envelope)

    entries = await accepted(buffer, 3)
    step = asyncio.create_task(Desk(buffer, Slow()).step())
    await ready.wait()
    for _ in range(20):  # the others have had their turn
        await buffer.client.ping()
    cases = [await buffer.desk.case(it.transaction_id) for it in entries]
    assert [it.open_since_ms for it in cases if it is not None] == [None] * 3
    go_on.set()
    await step


async def test_what_the_answer_does_not_name_is_looked_up_and_the_others_are_booked(
    buffer: Buffer,
) -> None:
    erp = ManyErp()
    entries = await accepted(buffer, 3)
    erp.silent = {entries[1].transaction_id}
    desk = Desk(buffer, erp)
    await desk.step()
    assert await desk.states(*entries) == ["booked", "sent", "booked"]
    buffer.later(5_000)
    await desk.step()
    assert erp.together[1:] == [("probe", entries[1].transaction_id)]


async def test_no_batch_starts_that_could_reach_into_a_window(buffer: Buffer) -> None:
    erp = ManyErp()
    desk = Desk(buffer, erp, closing(0.5, 60))
    entries = await accepted(buffer, 3)
    await desk.step()
    assert erp.together == []
    assert await desk.states(*entries) == ["waiting"] * 3
    buffer.later(61_000)
    assert len(await desk.take()) == 3


async def test_a_message_with_a_long_deadline_carries_no_other_into_a_window(
    buffer: Buffer,
) -> None:
    erp = ManyErp()
    erp.timing = Timing(1000, 10_000, 500, by_process={"store.sale": 300_000})
    desk = Desk(buffer, erp, closing(120, 60, process="order.intake"))
    orders, sales = await accepted(buffer, 2), await accepted(buffer, 2, "store.sale")
    for _ in range(2):
        await desk.step()
    kinds = [{it.transaction_id for it in orders}, {it.transaction_id for it in sales}]
    assert sorted(map(len, erp.together)) == [3, 3]
    assert all(set(it[1:]) in kinds for it in erp.together)


async def test_what_cannot_be_read_stops_only_itself(buffer: Buffer) -> None:
    erp = ManyErp()
    desk = Desk(buffer, erp)
    entries = await accepted(buffer, 3)
    message = entries[0].transaction_id
    for key in await buffer.client.command("KEYS", f"*m:{message}"):
        await buffer.client.command("HSET", key, "p", "{")
    await desk.step()
    assert await desk.states(*entries[1:]) == ["booked", "booked"]
    assert await desk.take() == [], "held"


async def test_what_nobody_looked_at_goes_back_as_if_not_taken(buffer: Buffer) -> None:
    desk = Desk(buffer, ManyErp())
    await accepted(buffer, 1)
    for number in (1, 2, 3, 4):
        (one,) = await desk.take()
        assert (one.takes, one.number) == (1, number)
        assert await buffer.lanes.untake(one)
        assert not await buffer.lanes.untake(one), "the take is over"
