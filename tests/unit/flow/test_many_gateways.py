"""The fence under eight gateways that read and write while rules are flipped every 200 ms.

Each gateway has its own connection, its own compiled versions and its own rule lease, as a process
has; ``tests/e2e/test_flip.py`` does the same with processes.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.canonical.envelope import partition_of_transaction
from gateway.canonical.exchange import Limits, Window
from gateway.canonical.process import ERPS, Target
from gateway.clock import SystemClock
from gateway.flow.accept import Acceptor
from gateway.flow.calls import Caller
from gateway.flow.owners import OwnerFinder
from gateway.flow.publish import Publisher
from gateway.flow.versions import RuleVersions
from gateway.policy.windows import Windows
from gateway.routing.facts import Facts
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.client import Client
from gateway.store.redis.intake import RedisIntake
from gateway.store.redis.rulebook import RedisRuleBook
from tests.unit.flow.doubles import OpenQuotas
from tests.unit.flow.rulesets import all_to
from tests.unit.flow.test_accept import submission
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

GATEWAYS = 8
FLIPS = 8
PAUSE_S = 0.2
LEASE_MS = 400
READ = Facts("inventory.availability", sku="TEE")


class Town:
    """All gateways, and which flip had returned when something began."""

    def __init__(self) -> None:
        self.returned = 1  # the epoch of the newest flip that has returned
        self.orders: dict[str, int] = {}  # transaction → epoch that was in force when it was sent
        self.old_reads: list[tuple[int, int]] = []
        self.reads = 0
        self.stop = asyncio.Event()


class Gateway:
    """What one gateway process has for itself."""

    def __init__(self, url: str, ledger: SqlLedger, name: str, town: Town) -> None:
        self.client, self.name, self.town = Client(url), name, town
        book = RedisRuleBook(self.client, PARTITIONS)
        self.versions = RuleVersions(book, ledger, SystemClock(), LEASE_MS)
        quotas = OpenQuotas(self.client, dict.fromkeys(ERPS, Limits(5, (Window(9, 1000),), 3000)))
        finder = OwnerFinder(ledger, {}, Caller(quotas, SystemClock(), Windows()))
        intake = RedisIntake(self.client, PARTITIONS, SystemClock())
        self.acceptor = Acceptor(intake, self.versions, finder, SystemClock(), PARTITIONS)

    async def live(self) -> None:
        self.versions.read_as(self.name)
        await asyncio.gather(self._follow(), self._write(), self._read())

    async def _follow(self) -> None:
        while not self.town.stop.is_set():
            await self.versions.refresh()
            await self.versions.report()
            await asyncio.sleep(LEASE_MS / 4000)

    async def _write(self) -> None:
        for n in itertools.count():
            if self.town.stop.is_set():
                return
            before = self.town.returned
            receipt = await self.acceptor.accept(submission(f"{self.name}-{n}"))
            self.town.orders[receipt.transaction_id] = before
            await asyncio.sleep(0.002)

    async def _read(self) -> None:
        while not self.town.stop.is_set():
            before = self.town.returned
            marker, rules = await self.versions.current()
            self.town.reads += 1
            if marker.epoch < before or rules.decide(READ).target is not served(marker.epoch):
                self.town.old_reads.append((before, marker.epoch))
            await asyncio.sleep(0.001)


def served(epoch: int) -> Target:
    """Flips go to and fro, beginning with legacy."""
    return Target.LEGACY if epoch % 2 else Target.CLOUD


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


async def test_nothing_is_decided_by_older_rules_once_apply_returned(
    buffer: Buffer, valkey_url: str, ledger: SqlLedger
) -> None:
    buffer.client.now_ms = ""
    await buffer.client.command("FLUSHALL")
    publisher = Publisher(buffer.book, ledger, SystemClock(), PARTITIONS, LEASE_MS)
    await publisher.apply(all_to(Mode.LEGACY), "ann", "")
    town = Town()
    gateways = [Gateway(valkey_url, ledger, f"g{n}", town) for n in range(GATEWAYS)]
    lives = [asyncio.create_task(it.live()) for it in gateways]
    try:
        for n in range(FLIPS):
            await asyncio.sleep(PAUSE_S)
            mode = (Mode.CLOUD, Mode.LEGACY)[n % 2]
            town.returned = (await publisher.apply(all_to(mode), "ann", "")).epoch
        await asyncio.sleep(PAUSE_S)
    finally:
        town.stop.set()
        await asyncio.gather(*lives)
        for it in gateways:
            await it.client.close()
    assert town.returned == FLIPS + 1
    assert town.reads > FLIPS * GATEWAYS
    assert len(town.orders) > FLIPS * GATEWAYS
    assert town.old_reads == []
    old = [
        (event.transaction_id, event.fields["epoch"])
        for partition in range(PARTITIONS)
        for event in await buffer.feed.events(partition, "0-0", 100_000)
        if event.kind == "accepted"
        and int(event.fields["epoch"]) < town.orders[event.transaction_id]
    ]
    assert old == []


async def test_the_owner_of_each_order_is_what_its_epoch_said(
    buffer: Buffer, valkey_url: str, ledger: SqlLedger
) -> None:
    """Half-way through a flip partitions differ; no order is between two sets of rules."""
    buffer.client.now_ms = ""
    await buffer.client.command("FLUSHALL")
    publisher = Publisher(buffer.book, ledger, SystemClock(), PARTITIONS, LEASE_MS)
    await publisher.apply(all_to(Mode.LEGACY), "ann", "")
    town = Town()
    gateways = [Gateway(valkey_url, ledger, f"g{n}", town) for n in range(2)]
    lives = [asyncio.create_task(it.live()) for it in gateways]
    try:
        for n in range(4):
            await publisher.apply(all_to((Mode.CLOUD, Mode.LEGACY)[n % 2]), "ann", "")
    finally:
        town.stop.set()
        await asyncio.gather(*lives)
        for it in gateways:
            await it.client.close()
    for partition in range(PARTITIONS):
        for event in await buffer.feed.events(partition, "0-0", 100_000):
            if event.kind == "accepted":
                assert event.fields["owner"] == served(int(event.fields["epoch"]))
                assert partition_of_transaction(event.transaction_id) == partition
