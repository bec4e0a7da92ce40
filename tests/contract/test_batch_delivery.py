"""A worker sends several orders in one call to the simulated ERP; each is booked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Entry, Limits, Taken, Timing, Window
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.flow.dispatch import Dispatcher
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from gateway.policy.batching import Plan
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, an_order_of, eventually, new_order, only
from tests.unit.flow.doubles import Notes, OpenQuotas
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("simulator", ["cloud"], indirect=True),
]

CLOUD = Target.CLOUD
LIMITS = Limits(places=2, windows=(Window(300, 1000),), call_ms_max=6000)


class Worker:
    """One worker's dispatcher of the cloud ERP; its batches are of five."""

    def __init__(self, buffer: Buffer, erp: Erp, name: str = "w1", lease_ms: int = 60_000) -> None:
        self.buffer, self.notes = buffer, Notes()
        self.quotas = OpenQuotas(buffer.client, {CLOUD: LIMITS}, who=name)
        clock, chance = SystemClock(), Random(1)
        self.keeper = LeaseKeeper(buffer.lanes, clock, name, PARTITIONS, lease_ms, chance)
        workplace = Workplace(
            buffer.lanes, self.quotas, {CLOUD: erp}, self.keeper, self.notes, clock, chance,
            batching={CLOUD: Plan(5, counts_inner=True)},
        )  # fmt: skip
        self._stop = asyncio.Event()
        self._dispatcher = Dispatcher(CLOUD, workplace, 8)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.keeper.tick()
        self._running = asyncio.create_task(self._dispatcher.run(self._stop))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        self._stop.set()
        if self._running is not None:
            await asyncio.wait([self._running])

    def kill(self) -> None:
        """Fall silent in the middle of whatever it does."""
        assert self._running is not None
        for task in (self._running, *self._dispatcher._flying):
            task.cancel()


@pytest.fixture
def erp(adapters: Callable[..., Erp]) -> Erp:
    """An adapter whose silence means something soon."""
    return adapters(Timing(request_ms=1000, absent_final_ms=2200, poll_ms=20))


@pytest.fixture
async def worker(buffer: Buffer, erp: Erp) -> AsyncIterator[Callable[[], Worker]]:
    buffer.client.now_ms = ""
    started: list[Worker] = []

    def make(name: str = "w1", lease_ms: int = 60_000) -> Worker:
        started.append(Worker(buffer, erp, name, lease_ms))
        return started[-1]

    yield make
    for one in started:
        await one.stop()


async def accepted(buffer: Buffer, count: int, *skus: str) -> list[Entry]:
    """Accept so many good orders, and one of each SKU given."""
    sent = [new_order() for _ in range(count)] + [an_order_of(sku) for sku in skus]
    entries = [entry(it.body["order_ref"], target=CLOUD, body=it.body) for it in sent]
    for one in entries:
        await buffer.intake.accept(one)
    return entries


async def states(buffer: Buffer, entries: list[Entry]) -> list[str]:
    found = [await buffer.intake.progress(it.transaction_id) for it in entries]
    return ["" if it is None else it.state for it in found]


async def come_to(buffer: Buffer, entries: list[Entry], state: str, within_s: float = 12) -> None:
    async def ask() -> list[str]:
        return await states(buffer, entries)

    found = await eventually(ask, lambda each: set(each) == {state}, within_s)
    assert set(found) == {state}, found


def booked_once(simulator: Simulator, entries: list[Entry]) -> None:
    for one in entries:
        only(simulator.booked(Envelope.model_validate_json(one.payload)))


async def test_several_orders_go_in_one_call_and_each_has_its_own_outcome(
    buffer: Buffer, simulator: Simulator, worker: Callable[[], Worker]
) -> None:
    before = simulator.counters()["batches"]
    entries = await accepted(buffer, 20, "NO-SUCH-SKU")
    one = worker()
    await one.start()
    await come_to(buffer, entries[:20], "booked")
    await come_to(buffer, entries[20:], "waiting")
    booked_once(simulator, entries[:20])
    assert 0 < simulator.counters()["batches"] - before < 20
    assert one.notes.troubles == []
    refused = await buffer.intake.progress(entries[20].transaction_id)
    assert refused is not None
    assert refused.cause == Cause.UNKNOWN_ITEM


async def test_a_lost_answer_to_a_whole_batch_books_nothing_twice(
    buffer: Buffer, simulator: Simulator, worker: Callable[[], Worker]
) -> None:
    entries = await accepted(buffer, 10)
    simulator.fault("lost_reply", count=2)
    one = worker()
    await one.start()
    await come_to(buffer, entries, "booked")
    booked_once(simulator, entries)
    assert one.notes.attempts.count("send:unknown") >= 5
    assert one.notes.attempts.count("probe:booked") >= 5


async def test_a_throttled_batch_goes_again_and_books_each_once(
    buffer: Buffer, simulator: Simulator, worker: Callable[[], Worker]
) -> None:
    entries = await accepted(buffer, 10)
    simulator.fault("throttle", delay_ms=300)
    one = worker()
    await one.start()
    await come_to(buffer, entries, "booked")
    booked_once(simulator, entries)
    assert "send:busy" in one.notes.attempts


async def test_who_falls_silent_with_a_batch_open_leaves_it_to_be_looked_up(
    buffer: Buffer, simulator: Simulator, worker: Callable[..., Worker]
) -> None:
    entries = await accepted(buffer, 10)
    simulator.fault("latency", delay_ms=600, count=2)
    first = worker("w1", lease_ms=700)
    await first.start()
    async with asyncio.timeout(30):
        while "sent" not in await states(buffer, entries):  # noqa: ASYNC110 -- its only sign
            await asyncio.sleep(0.005)
    first.kill()
    second = worker("w2")
    await asyncio.sleep(0.8)
    await second.start()
    await come_to(buffer, entries, "booked")
    booked_once(simulator, entries)
    assert second.notes.attempts[0].startswith("probe:")


async def test_a_lease_lost_between_record_and_call_sends_nothing_of_it(
    buffer: Buffer, simulator: Simulator, worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    entries = await accepted(buffer, 10)
    one = worker("w1", lease_ms=700)
    real, recorded = buffer.lanes.attempt, []

    async def attempt(taken: Taken, shaped_by: str = "") -> bool:
        done = await real(taken, shaped_by)
        recorded.append(taken)
        one.keeper.lost(taken.lease)
        return done

    monkeypatch.setattr(buffer.lanes, "attempt", attempt)
    before = simulator.counters()["batches"]
    await one.start()
    async with asyncio.timeout(30):
        while not recorded:  # noqa: ASYNC110 -- its only sign
            await asyncio.sleep(0.005)
    await one.stop()
    assert simulator.counters()["batches"] == before
    assert not any(simulator.booked(Envelope.model_validate_json(it.payload)) for it in entries)
    monkeypatch.undo()
    second = worker("w2")
    await asyncio.sleep(0.8)
    await second.start()
    await come_to(buffer, entries, "booked")
    booked_once(simulator, entries)
