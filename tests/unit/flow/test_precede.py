"""An order sent again after its claim ran out, and its owner left, is not booked a second time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import order_key
from gateway.canonical.exchange import Accepted, Entry
from gateway.canonical.exchange.owning import Before, Import, ImportLine
from gateway.canonical.outcome import Booked, Outcome
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.errors import LedgerUnavailable
from gateway.flow.audit import Auditor
from gateway.flow.calls import Caller
from gateway.flow.correct import Corrector, GivenUp
from gateway.flow.dispatch import Dispatcher
from gateway.flow.exceptions import Bench
from gateway.flow.leases import LeaseKeeper
from gateway.flow.precede import ANSWER_S_MAX
from gateway.flow.project import Projector
from gateway.flow.workplace import Workplace
from gateway.policy.triage import REMEDY, TEAM
from gateway.policy.windows import Windows
from gateway.ports import Precedents
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.forgetting import RedisForgetting
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp
from tests.unit.flow.staffroom import LEAD
from tests.unit.flow.test_dispatch import LIMITS
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

ERPS = (Target.LEGACY, Target.CLOUD)


class Books(ScriptedErp):
    """Books whatever it is sent, and remembers the objects."""

    def __init__(self, name: Target) -> None:
        super().__init__(name)
        self.booked: list[str] = []

    async def send(self, envelope: object) -> Outcome:
        self.booked.append(envelope.object_key)  # type: ignore[attr-defined]
        return Booked(f"D-{len(self.booked)}")


class Town:
    """A buffer, a ledger and a worker for both ERPs."""

    def __init__(
        self, buffer: Buffer, ledger: SqlLedger, precedents: Precedents | None = None
    ) -> None:
        buffer.client.now_ms = ""
        self.buffer, self.ledger, self.notes = buffer, ledger, Notes()
        self.erps = {erp: Books(erp) for erp in ERPS}
        self.projector = Projector(buffer.feed, ledger)
        self.keeper = LeaseKeeper(
            buffer.lanes, SystemClock(), "w1", PARTITIONS, 60_000, Random(1)
        )  # fmt: skip
        quotas = OpenQuotas(buffer.client, dict.fromkeys(ERPS, LIMITS))
        workplace = Workplace(
            buffer.lanes, quotas, self.erps, self.keeper, self.notes, SystemClock(), Random(1),
            precedents=precedents or ledger,
        )  # fmt: skip
        self.dispatchers = [Dispatcher(erp, workplace, 8) for erp in ERPS]
        self.sent: list[Entry] = []

    async def take(self, ref: str, target: Target, *, again: bool = False) -> Entry:
        """Accept an order; ``again``: its claim has run out, so it is new to the buffer."""
        one = entry(ref, target=target)
        if again:
            one = replace(one, claim=f"{one.claim}|{secrets.token_hex(4)}")
        assert isinstance(await self.buffer.intake.accept(one), Accepted)
        self.sent.append(one)
        return one

    async def state(self, one: Entry) -> tuple[str, str]:
        progress = await self.buffer.intake.progress(one.transaction_id)
        if progress is not None:
            return progress.state, progress.cause
        record = await self.ledger.transaction(one.transaction_id)
        assert record is not None
        return record.state, record.cause

    async def work(self) -> None:
        """Deliver all there is."""
        await self.keeper.tick()
        stop = asyncio.Event()
        running = [asyncio.create_task(it.run(stop)) for it in self.dispatchers]
        try:
            async with asyncio.timeout(30):
                for one in self.sent:
                    await self._settled(one)
        finally:
            stop.set()
            await asyncio.gather(*running)

    async def _settled(self, one: Entry) -> None:
        while True:
            state, _ = await self.state(one)
            if state in ("booked", "held"):
                return
            await asyncio.sleep(0.01)

    async def project(self) -> None:
        await self.keeper.tick()
        for lease in self.keeper.held():
            await self.projector.project(lease)

    async def evict(self, *refs: str) -> int:
        """Let owners leave the buffer."""
        records = [await self.ledger.owner_record(order_key("webshop", ref)) for ref in refs]
        forgetting = RedisForgetting(self.buffer.client, PARTITIONS)
        return await forgetting.forget([it for it in records if it is not None])

    @property
    def booked(self) -> list[str]:
        return [key for erp in self.erps.values() for key in erp.booked]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield opened
    await opened.close()


async def test_an_old_order_sent_again_is_an_exception_and_no_erp_hears_of_it(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    town = Town(buffer, ledger)
    first = await town.take("A-1", Target.LEGACY)
    await town.work()
    await town.project()
    assert await town.evict("A-1") == 1

    again = await town.take("A-1", Target.CLOUD, again=True)
    other = await town.take("A-2", Target.CLOUD)
    await town.work()

    assert town.booked == [order_key("webshop", "A-1"), order_key("webshop", "A-2")]
    assert await town.state(again) == ("held", "taken-before")
    assert await town.state(other) == ("booked", "")
    await town.project()
    record = await ledger.transaction(again.transaction_id)
    assert record is not None
    assert "the legacy ERP has this order since 20" in record.detail
    assert f"(transaction {first.transaction_id})" in record.detail


async def test_an_order_that_was_imported_is_not_booked_again(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    begun = await ledger.begin_import(Import("f" * 64, "o.csv", "ada", SystemClock().now()))
    line = ImportLine(2, order_key("webshop", "A-1"), "legacy")
    await ledger.import_owners(begun, begun, [line], [])
    town = Town(buffer, ledger)

    one = await town.take("A-1", Target.CLOUD)
    await town.work()

    assert await town.state(one) == ("held", "taken-before")
    assert town.booked == []


async def test_evictions_and_repeats_at_random_book_each_order_once(
    buffer: Buffer, ledger: SqlLedger, seed: int
) -> None:
    chance = Random(seed)
    town = Town(buffer, ledger)
    refs: list[str] = []
    once: set[str] = set()  # what is sent again while a repeat is held waits behind it
    evicted = 0
    for _ in range(12):
        fresh = [f"O-{len(refs) + at}" for at in range(chance.randint(0, 4))]
        repeatable = [ref for ref in refs if ref not in once]
        old = chance.sample(repeatable, min(len(repeatable), chance.randint(0, 3)))
        once.update(old)
        for ref in chance.sample([*fresh, *old], len(fresh) + len(old)):
            await town.take(ref, chance.choice(ERPS), again=ref in old)
        refs += fresh
        await town.work()
        await town.project()
        evicted += await town.evict(*chance.sample(refs, len(refs) // 2))

    assert sorted(town.booked) == sorted(order_key("webshop", ref) for ref in refs)
    assert evicted, "no owner ever left the buffer: nothing was tried"
    states = [await town.state(one) for one in town.sent]
    assert len(states) > len(refs), "no order was sent again: nothing was tried"
    assert states.count(("held", "taken-before")) == len(states) - len(refs)


async def test_what_staff_let_go_is_sent(buffer: Buffer, ledger: SqlLedger) -> None:
    town = Town(buffer, ledger)
    await town.take("A-1", Target.LEGACY)
    await town.work()
    await town.project()
    again = await town.take("A-1", Target.LEGACY, again=True)
    await town.work()
    assert await town.state(again) == ("held", "taken-before")

    await buffer.lanes.release_held(again.transaction_id, "sam")
    await town.work()

    assert await town.state(again) == ("booked", "")


class Away:
    """A ledger that does not answer, one way or the other."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs = hangs
        self.asked = 0

    async def taken_before(self, creates: Mapping[str, str]) -> Mapping[str, Before]:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        raise LedgerUnavailable(f"the ledger is away; {len(creates)} were asked for")


@pytest.mark.parametrize("hangs", [False, True])
async def test_deliveries_go_on_without_the_ledger(
    buffer: Buffer, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    monkeypatch.setattr("gateway.flow.precede.ANSWER_S_MAX", ANSWER_S_MAX / 100)
    away = Away(hangs=hangs)
    town = Town(buffer, ledger, away)
    for at in range(6):
        await town.take(f"A-{at}", ERPS[at % 2])
    await town.work()

    assert len(town.booked) == 6
    assert 1 <= away.asked <= 2, "once for each ERP; then it is left alone"
    assert all(it.startswith("precede: ") for it in town.notes.troubles)


def test_staff_are_told_what_to_do() -> None:
    assert REMEDY["taken-before"]  # type: ignore[index]
    assert TEAM["taken-before"]  # type: ignore[index]


async def discard(town: Town, one: Entry) -> GivenUp:
    """Staff give a message up; nobody else has an attempt open."""
    bench = Bench(
        town.buffer.desk, town.buffer.lanes, town.ledger, town.buffer.intake,
        town.buffer.lanes.backlog, Auditor(town.ledger), SystemClock(), town.ledger,
    )  # fmt: skip
    quotas = OpenQuotas(town.buffer.client, dict.fromkeys(ERPS, LIMITS))
    corrector = Corrector(bench, town.erps, Caller(quotas, SystemClock(), Windows()))
    return await corrector.discard(LEAD, one.transaction_id, reason="sent again")


async def follow(town: Town, reference: str, found: Target | None = None) -> Entry:
    """Accept a return of A-1."""
    one = entry("A-1", process="return.credit", reference=reference, owner_found=found)
    assert isinstance(await town.buffer.intake.accept(one), Accepted)
    town.sent.append(one)
    return one


@pytest.mark.parametrize("how", ["booked", "import", "lookup"])
async def test_a_return_goes_where_the_old_order_is_after_its_repeat_was_discarded(
    buffer: Buffer, ledger: SqlLedger, how: str
) -> None:
    town = Town(buffer, ledger)
    if how == "booked":
        await town.take("A-1", Target.LEGACY)
    elif how == "lookup":
        await follow(town, "R-0", Target.LEGACY)
    else:
        begun = await ledger.begin_import(Import("f" * 64, "o.csv", "ada", SystemClock().now()))
        line = ImportLine(2, order_key("webshop", "A-1"), "legacy")
        await ledger.import_owners(begun, begun, [line], [])
    await town.work()
    await town.project()
    await town.evict("A-1")
    town.sent.clear()

    again = await town.take("A-1", Target.CLOUD, again=True)
    await town.work()
    assert await town.state(again) == ("held", "taken-before")
    behind = await follow(town, "R-1")
    done = await discard(town, again)
    assert done.held == "", "its order is there: it goes on"
    later = await follow(town, "R-2")
    town.sent.remove(again)
    await town.work()

    assert [await town.state(it) for it in (behind, later)] == [("booked", "")] * 2
    assert town.erps[Target.CLOUD].booked == []
    await town.project()
    assert await ledger.owner(order_key("webshop", "A-1")) is Target.LEGACY
    records = [await ledger.transaction(it.transaction_id) for it in (behind, later)]
    assert [it.owner for it in records if it] == ["legacy", "legacy"]


async def test_a_flip_that_moves_a_repeat_does_not_rewrite_who_has_the_old_order(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    """The repeat was not tried yet, so the backlog takes it along; the ledger knows better."""
    town = Town(buffer, ledger)
    await town.take("A-1", Target.LEGACY)
    await town.work()
    await town.project()
    assert await town.evict("A-1") == 1
    town.sent.clear()
    again = await town.take("A-1", Target.LEGACY, again=True)
    await town.keeper.tick()
    (found,) = [
        it
        for n in range(PARTITIONS)
        async for it in buffer.moves.movable(n, Target.LEGACY, refused=False)
    ]
    assert await buffer.moves.move(found, 1, Target.CLOUD, "ann")
    await town.project()
    assert await ledger.owner(again.object_key) is Target.LEGACY

    await town.work()
    assert await town.state(again) == ("held", "taken-before")
    await discard(town, again)
    assert await buffer.intake.owner(again.object_key) is Target.LEGACY


async def test_without_the_ledger_a_repeat_is_not_given_up(
    buffer: Buffer, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(buffer, ledger)
    await town.take("A-1", Target.LEGACY)
    await town.work()
    await town.project()
    await town.evict("A-1")
    town.sent.clear()
    again = await town.take("A-1", Target.CLOUD, again=True)
    await town.work()
    monkeypatch.setattr(ledger, "taken_before", Away(hangs=False).taken_before)
    with pytest.raises(LedgerUnavailable):
        await discard(town, again)
    assert await town.state(again) == ("held", "taken-before")
