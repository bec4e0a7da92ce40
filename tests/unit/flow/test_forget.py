"""Owners leave the buffer at random, and nobody is ever told anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import order_key, partition_of
from gateway.canonical.exchange import Accepted, Ownerless
from gateway.canonical.exchange.owning import Owner
from gateway.canonical.process import Target
from gateway.flow.forget import Forgetter
from gateway.flow.project import Projector
from gateway.ports import Forgetting
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.forgetting import RedisForgetting
from tests.unit.flow.doubles import StillClock
from tests.valkey import NOW_MS, PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

ERPS = (Target.LEGACY, Target.CLOUD)
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield opened
    await opened.close()


class World:
    """A buffer, a ledger, and what a test knows of owners."""

    def __init__(self, buffer: Buffer, ledger: SqlLedger, chance: Random) -> None:
        self.buffer = buffer
        self.ledger = ledger
        self.chance = chance
        self.forgetting = RedisForgetting(buffer.client, PARTITIONS)
        self.projector = Projector(buffer.feed, ledger)
        self.owners: dict[str, Target] = {}
        self.waiting: list[str] = []
        self.asked = self.returns = 0

    async def create(self) -> None:
        """An order comes in; the rules of the moment say where it goes."""
        ref, target = f"S-{len(self.owners)}", self.chance.choice(ERPS)
        taken = await self.buffer.intake.accept(entry(ref, target=target))
        assert isinstance(taken, Accepted)
        self.owners[ref] = target
        self.waiting.append(taken.transaction_id)

    async def follow_up(self) -> None:
        """A return comes in, for any order, and goes to whoever owns it."""
        if not self.owners:
            return
        ref = self.chance.choice(list(self.owners))
        self.returns += 1
        asked = entry(ref, process="return.credit", reference=f"R-{self.returns}")
        answer = await self.buffer.intake.accept(asked)
        if isinstance(answer, Ownerless):
            self.asked += 1
            found = await self.ledger.owner(order_key("webshop", ref))
            answer = await self.buffer.intake.accept(replace(asked, owner_found=found))
        assert isinstance(answer, Accepted)
        self.waiting.append(answer.transaction_id)
        progress = await self.buffer.intake.progress(answer.transaction_id)
        assert progress is not None
        assert progress.owner is self.owners[ref]

    async def book(self) -> None:
        """An ERP books something that waits."""
        if self.waiting:
            at = self.chance.randrange(len(self.waiting))
            await self.buffer.lanes.book(self.waiting.pop(at), "4711", "")

    async def project(self) -> None:
        """Some partition's events go into the ledger."""
        partition = self.chance.randrange(PARTITIONS)
        lease = await self.buffer.lanes.lease(partition, "w", 60_000)
        if lease is not None:
            await self.projector.project(lease)
            await self.buffer.lanes.release(lease)

    async def evict(self) -> None:
        """Whatever the ledger has is asked to leave the buffer."""
        page = await self.ledger.owners_after("", 1000)
        if page:
            await self.forgetting.forget(self.chance.sample(list(page), min(5, len(page))))

    async def check(self) -> None:
        """Whoever asks, buffer or ledger, says what is known; they never contradict each other."""
        for ref, owner in self.owners.items():
            key = order_key("webshop", ref)
            told = {await self.buffer.intake.owner(key), await self.ledger.owner(key)} - {None}
            assert told == {owner}


async def test_evicting_at_random_changes_no_answer(
    buffer: Buffer, ledger: SqlLedger, seed: int
) -> None:
    world = World(buffer, ledger, Random(seed))
    steps = [world.create, world.follow_up, world.follow_up, world.book, world.book,
             world.project, world.project, world.evict, world.evict]  # fmt: skip
    for _ in range(400):
        await world.chance.choice(steps)()
    await world.check()

    assert world.asked, "nothing was ever asked of the ledger: nothing was tried"


async def test_what_the_ledger_does_not_have_or_has_otherwise_stays(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    forgetting: Forgetting = RedisForgetting(buffer.client, PARTITIONS)
    taken = await buffer.intake.accept(entry("S-1"))
    assert isinstance(taken, Accepted)
    key = order_key("webshop", "S-1")
    same, other = (Owner(key, it, NOW, "rules") for it in ("legacy", "cloud"))

    assert await forgetting.forget([same]) == 0, "it waits to be delivered"
    await buffer.lanes.book(taken.transaction_id, "1", "")
    assert await forgetting.forget([same]) == 0, "the ledger does not have it yet"
    lease = await buffer.lease_of(key)
    await Projector(buffer.feed, ledger).project(lease)
    assert await forgetting.forget([other]) == 0
    assert await forgetting.forget([same]) == 1
    assert await forgetting.forget([same]) == 0
    assert await buffer.intake.owner(key) is None
    assert await ledger.owner(key) is Target.LEGACY
    assert partition_of(key, PARTITIONS) == lease.partition


async def test_old_orders_leave_once_and_store_days_never(
    buffer: Buffer, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.flow.forget.PAGE", 3)
    monkeypatch.setattr("gateway.flow.forget.PAGES_MAX", 2)
    clock = StillClock()
    world = World(buffer, ledger, Random(1))
    for _ in range(10):
        await world.create()
    while world.waiting:
        await world.book()
    for partition in range(PARTITIONS):
        lease = await buffer.lanes.lease(partition, "w", 60_000)
        assert lease is not None
        await world.projector.project(lease)
    forgetter = Forgetter(ledger, RedisForgetting(buffer.client, PARTITIONS), clock, 90)

    assert await forgetter.forget() == 0, "nothing is old enough"
    clock.passed_s += timedelta(days=91).total_seconds()
    assert [await forgetter.forget() for _ in range(3)] == [6, 4, 0]
    await world.check()
