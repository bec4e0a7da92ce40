"""What was declared to come after an order waits for it, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from gateway.canonical.envelope import Envelope, order_key
from gateway.canonical.exchange import Accepted, Entry, Limits, Window
from gateway.canonical.outcome import Booked, Cause, Outcome, Probed, Refused
from gateway.canonical.process import ERPS, Target
from gateway.clock import SystemClock
from gateway.errors import LedgerUnavailable
from gateway.flow.dispatch import Dispatcher
from gateway.flow.leases import LeaseKeeper
from gateway.flow.project import Projector
from gateway.flow.status import Statuses
from gateway.flow.succeed import Succession
from gateway.flow.workplace import Workplace
from gateway.policy.backoff import FOLLOW_FIRST_MS, FOLLOW_MAX_MS, follow_ms
from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LIMITS = Limits(places=3, windows=(Window(1000, 1000),), call_ms_max=3000)


class Books(ScriptedErp):
    """Books what it is sent unless it refuses it, and remembers in which order."""

    def __init__(self, name: Target, booked: list[str]) -> None:
        super().__init__(name)
        self.booked = booked
        self.rejects: set[str] = set()

    async def send(self, envelope: Envelope) -> Outcome:
        key = envelope.object_key
        await asyncio.sleep(0.005)
        if key in self.rejects:
            return Refused(Cause.NOT_ACCEPTED, "no")
        self.booked.append(key.removeprefix("order:webshop:"))
        return Booked(f"D-{len(self.booked)}")

    async def probe(self, envelope: Envelope) -> Probed:
        return Refused(Cause.NOT_ACCEPTED, "no")  # of before; what was booked is not asked for


class Queue:
    """A buffer, a ledger and workers for both ERPs."""

    def __init__(self, buffer: Buffer, ledger: SqlLedger) -> None:
        buffer.client.now_ms = ""
        self.buffer, self.ledger, self.notes = buffer, ledger, Notes()
        self.booked: list[str] = []
        self.erps = {erp: Books(erp, self.booked) for erp in ERPS}
        clock = SystemClock()
        self.statuses = Statuses(buffer.intake, ledger, clock)
        self.projector = Projector(buffer.feed, ledger)
        self.keeper = LeaseKeeper(buffer.lanes, clock, "w1", PARTITIONS, 60_000, Random(1))
        quotas = OpenQuotas(buffer.client, dict.fromkeys(ERPS, LIMITS))
        workplace = Workplace(
            buffer.lanes, quotas, self.erps, self.keeper, self.notes, clock, Random(1),
            statuses=self.statuses,
        )  # fmt: skip
        self.dispatchers = [Dispatcher(erp, workplace, 8) for erp in ERPS]

    async def take(self, ref: str, target: Target | None, *after: str, **more: str) -> Entry:
        body = {"order_ref": ref, "after": list(after)}
        one = entry(ref, target=target, body=body, **more)  # type: ignore[arg-type]
        assert isinstance(await self.buffer.intake.accept(one), Accepted)
        return one

    async def work(self, *until: Entry, seconds: float = 20.0) -> None:
        """Deliver until these are settled, or, without any, for a while."""
        await self.keeper.tick()
        stop = asyncio.Event()
        running = [asyncio.create_task(it.run(stop)) for it in self.dispatchers]
        try:
            async with asyncio.timeout(seconds):
                for one in until:
                    while await self.state(one) not in ("booked", "held"):  # noqa: ASYNC110 -- nothing tells
                        await asyncio.sleep(0.01)
            if not until:
                await asyncio.sleep(seconds)
        finally:
            stop.set()
            await asyncio.gather(*running)

    async def state(self, one: Entry) -> str:
        view = await self.statuses.transaction(one.transaction_id)
        assert view is not None
        return view.status

    async def project(self) -> None:
        await self.keeper.tick()
        for lease in self.keeper.held():
            await self.projector.project(lease)


@pytest.fixture(autouse=True)
def _looks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of the tests' buffer are accepted long ago."""
    monkeypatch.setattr("gateway.flow.succeed.follow_ms", lambda _waited_ms: FOLLOW_FIRST_MS)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield opened
    await opened.close()


async def test_an_order_waits_for_one_in_the_other_erp(buffer: Buffer, ledger: SqlLedger) -> None:
    queue = Queue(buffer, ledger)
    queue.erps[Target.LEGACY].rejects.add(order_key("webshop", "A"))
    first = await queue.take("A", Target.LEGACY)
    then = await queue.take("B", Target.CLOUD, "A")
    other = await queue.take("C", Target.CLOUD)
    await queue.work(first, other)
    assert queue.booked == ["C"]
    await queue.work(seconds=0.5)
    assert (await queue.state(first), await queue.state(then)) == ("held", "accepted")

    queue.erps[Target.LEGACY].rejects.clear()
    await buffer.lanes.release_held(first.transaction_id, "sam")
    await queue.work(first, then)
    assert queue.booked == ["C", "A", "B"]
    assert queue.notes.troubles == []


async def test_what_was_given_up_is_waited_for_no_more(buffer: Buffer, ledger: SqlLedger) -> None:
    queue = Queue(buffer, ledger)
    queue.erps[Target.LEGACY].rejects.add(order_key("webshop", "A"))
    first = await queue.take("A", Target.LEGACY)
    then = await queue.take("B", Target.LEGACY, "A")
    await queue.work(first)
    case = await buffer.desk.case(first.transaction_id)
    assert case is not None
    await buffer.desk.discard(case, "sam", "a test order", creates=True, absent=True)
    await queue.work(then)
    assert queue.booked == ["B"]


async def test_what_only_the_ledger_knows_is_done(buffer: Buffer, ledger: SqlLedger) -> None:
    queue = Queue(buffer, ledger)
    first = await queue.take("A", Target.LEGACY)
    await queue.work(first)
    await queue.project()
    assert await buffer.intake.progress(first.transaction_id) is None
    then = await queue.take("B", Target.CLOUD, "A")
    await queue.work(then)
    assert queue.booked == ["A", "B"]


async def test_a_follow_up_of_what_it_waits_for_may_wait_for_it_in_turn(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    """Only the order itself is waited for, not what was sent about it: no circle can arise."""
    queue = Queue(buffer, ledger)
    first = await queue.take("A", Target.LEGACY)
    then = await queue.take("B", Target.CLOUD, "A")
    credit = await queue.take("A", None, "B", process="return.credit", reference="R-1")
    await queue.work(first, then, credit)
    assert queue.booked == ["A", "B", "A"]


async def test_what_may_be_booked_is_looked_for_whatever_it_was_to_follow(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    """To put it back as untried would send it a second time."""
    queue = Queue(buffer, ledger)
    await queue.take("A", Target.LEGACY)
    then = await queue.take("B", Target.CLOUD, "A")
    gate = Succession(queue.statuses, buffer.lanes, queue.notes, SystemClock())
    lease = await buffer.lease_of(then.object_key)
    (taken,) = await buffer.lanes.take(lease, Target.CLOUD, 1)
    await buffer.lanes.attempt(taken)
    await buffer.lanes.defer(taken, 0, unknown=True, reason="no answer")
    (again,) = await buffer.lanes.take(lease, Target.CLOUD, 1)
    assert await gate.due([again]) == [again], "though what it follows still waits"


async def test_while_the_ledger_is_away_it_waits(
    buffer: Buffer, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(buffer, ledger)
    first = await queue.take("A", Target.LEGACY)
    await queue.work(first)
    then = await queue.take("B", Target.CLOUD, "A")

    async def away(object_key: str) -> None:
        raise LedgerUnavailable(f"asked for {object_key}")

    with monkeypatch.context() as outage:
        outage.setattr(ledger, "transactions_of", away)
        await queue.work(seconds=0.5)
        assert await queue.state(then) == "accepted"
    await queue.work(then)
    assert queue.booked == ["A", "B"]
    assert queue.notes.troubles
    assert all(it.startswith("succeed: ") for it in queue.notes.troubles)


async def test_chains_at_random_are_booked_in_their_order(
    buffer: Buffer, ledger: SqlLedger, seed: int
) -> None:
    chance = Random(seed)
    queue = Queue(buffer, ledger)
    after: dict[str, list[str]] = {}
    taken = []
    for at in range(40):
        ref = f"O-{at}"
        after[ref] = chance.sample(sorted(after), min(len(after), chance.randint(0, 2)))
        taken.append(await queue.take(ref, chance.choice(ERPS), *after[ref]))
    await queue.work(*taken)
    places = {ref: at for at, ref in enumerate(queue.booked)}
    assert len(places) == len(queue.booked) == 40
    for ref, named in after.items():
        assert all(places[it] < places[ref] for it in named), (ref, named, queue.booked)


def test_looks_grow_rarer_with_the_time_waited() -> None:
    assert follow_ms(0) == FOLLOW_FIRST_MS
    assert follow_ms(8_000) == 1_000
    assert follow_ms(10**9) == FOLLOW_MAX_MS
