"""Rule versions: the rule lease of reads, and looks that overlap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.canonical.exchange import Publication
from gateway.canonical.process import Target
from gateway.errors import RulesUnavailable, StoreUnavailable
from gateway.flow.publish import Publisher
from gateway.flow.versions import RuleVersions
from gateway.routing.facts import Facts
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.flow.doubles import StillClock
from tests.unit.flow.rulesets import all_to
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

READ = Facts("inventory.availability", sku="TEE")
LEASE_MS = 1000


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
async def publisher(buffer: Buffer, ledger: SqlLedger) -> Publisher:
    await buffer.client.command("FLUSHALL")
    made = Publisher(buffer.book, ledger, StillClock(), PARTITIONS, LEASE_MS)
    await made.apply(all_to(Mode.LEGACY), "ann", "")
    return made


async def target(versions: RuleVersions) -> Target | None:
    _, rules = await versions.current()
    return rules.decide(READ).target


async def test_reads_go_on_by_known_rules_only_as_long_as_the_lease(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher
) -> None:
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    assert await target(versions) is Target.LEGACY
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    assert await target(versions) is Target.LEGACY, "nobody told it, and its lease runs"
    clock.passed_s += LEASE_MS / 1000
    assert await target(versions) is Target.CLOUD


async def test_without_the_store_reads_stop_when_the_lease_ends(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    del publisher
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    await target(versions)

    async def gone() -> Publication:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(buffer.book, "publication", gone)
    assert await target(versions) is Target.LEGACY
    clock.passed_s += LEASE_MS / 1000
    with pytest.raises(StoreUnavailable):
        await target(versions)


async def test_a_look_that_began_earlier_does_not_undo_what_a_later_one_saw(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = RuleVersions(buffer.book, ledger, StillClock(), LEASE_MS)
    old = await buffer.book.publication()
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    slow = asyncio.Event()
    real = buffer.book.publication

    async def late() -> Publication:
        await slow.wait()
        return old

    monkeypatch.setattr(buffer.book, "publication", late)
    early_look = asyncio.create_task(versions.refresh())
    await asyncio.sleep(0)
    monkeypatch.setattr(buffer.book, "publication", real)
    await versions.refresh()
    slow.set()
    await early_look
    assert await target(versions) is Target.CLOUD


async def test_a_flip_waits_for_a_gateway_that_has_only_just_looked(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher
) -> None:
    del publisher
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    versions.read_as("g1")
    assert await target(versions) is Target.LEGACY, "its lease begins, and it has reported nothing"
    flipping = Publisher(buffer.book, ledger, clock, PARTITIONS, LEASE_MS)
    await flipping.apply(all_to(Mode.CLOUD), "ann", "")
    assert await target(versions) is Target.CLOUD


async def test_a_flip_waits_for_no_gateway_that_reported_the_new_rules(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher
) -> None:
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    versions.read_as("g1")
    await versions.refresh()
    await versions.report()
    assert await buffer.book.gateways() == {"g1": 1}
    await versions.refresh()
    assert await buffer.book.gateways() == {"g1": 1}, "a look says what it reads by until then"
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    await versions.refresh()
    assert await buffer.book.gateways() == {"g1": 1}, "not compiled yet when it looked"
    await versions.report()
    assert await buffer.book.gateways() == {"g1": 2}
    buffer.later(LEASE_MS * 3 + 1)
    assert await buffer.book.gateways() == {}


async def test_reads_that_find_the_lease_over_share_one_look(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    del publisher
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    real, looks = buffer.book.publication, 0

    async def counted() -> Publication:
        nonlocal looks
        looks += 1
        return await real()

    monkeypatch.setattr(buffer.book, "publication", counted)
    first = asyncio.create_task(target(versions))
    await asyncio.sleep(0)
    others = [asyncio.create_task(target(versions)) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [Target.LEGACY] * 20
    assert looks == 1


async def test_looks_slower_than_the_lease_serve_no_read(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    del publisher
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    real = buffer.book.publication

    async def slow() -> Publication:
        clock.passed_s += LEASE_MS / 1000
        return await real()

    monkeypatch.setattr(buffer.book, "publication", slow)
    with pytest.raises(RulesUnavailable, match="within their lease"):
        await target(versions)


async def test_a_write_needs_no_lease_since_its_partition_checks_the_marker(
    buffer: Buffer, ledger: SqlLedger, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    del publisher
    clock = StillClock()
    versions = RuleVersions(buffer.book, ledger, clock, LEASE_MS)
    await versions.refresh()

    async def gone() -> Publication:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(buffer.book, "publication", gone)
    clock.passed_s += 10 * LEASE_MS / 1000
    marker, _ = await versions.at(0)
    assert marker.epoch == 1
