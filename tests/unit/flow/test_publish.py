"""The fence: all partitions or it says where it stands; one admin wins; epochs only rise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from gateway.canonical.envelope import Marker
from gateway.errors import LedgerUnavailable, PublishError
from gateway.flow.publish import Publisher, Step
from gateway.routing.ruleset import RuleSet
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.client import Client
from gateway.store.redis.rulebook import RedisRuleBook
from tests.unit.flow.doubles import StillClock
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

LEASE_MS = 1000
Act = Callable[[], Awaitable[None]]


def rules(version: str) -> RuleSet:
    return RuleSet((), (), f'{{"rules": "{version}"}}', version)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
async def book(buffer: Buffer) -> RedisRuleBook:
    await buffer.client.command("FLUSHALL")
    return buffer.book


@pytest.fixture
def publisher(book: RedisRuleBook, ledger: SqlLedger) -> Publisher:
    return Publisher(book, ledger, StillClock(), PARTITIONS, LEASE_MS)


async def test_an_apply_is_in_force_on_every_partition_and_in_the_history(
    publisher: Publisher, book: RedisRuleBook, ledger: SqlLedger
) -> None:
    marker = await publisher.apply(rules("v1"), "ann", "first")
    assert marker == Marker(1, "v1")
    assert set(await book.partitions()) == {marker}
    publication = await book.publication()
    assert (publication.marker, publication.pending) == (marker, None)
    assert await book.text("v1") == rules("v1").text
    (line,) = await ledger.history(5)
    assert (line.epoch, line.version, line.kind, line.by, line.note) == (
        1, "v1", "apply", "ann", "first",
    )  # fmt: skip


async def test_applying_what_is_in_force_is_refused(publisher: Publisher) -> None:
    await publisher.apply(rules("v1"), "ann", "")
    with pytest.raises(PublishError, match="v1 is in force already, as epoch 1"):
        await publisher.apply(rules("v1"), "ann", "")


async def test_rollbacks_go_back_wave_by_wave_under_rising_epochs(publisher: Publisher) -> None:
    for version in ("v1", "v2", "v3"):
        await publisher.apply(rules(version), "ann", "")
    assert await publisher.rollback("bob", "bad") == Marker(4, "v2")
    assert await publisher.rollback("bob", "worse") == Marker(5, "v1")
    with pytest.raises(PublishError, match="nothing to roll back to: version v1 is the first"):
        await publisher.rollback("bob", "")
    assert await publisher.apply(rules("v3"), "ann", "again") == Marker(6, "v3")
    assert await publisher.rollback("bob", "") == Marker(7, "v1")


async def test_of_two_admins_at_once_one_wins_and_the_other_is_told(
    book: RedisRuleBook, ledger: SqlLedger, valkey_url: str
) -> None:
    other_client = Client(valkey_url)
    both = [
        Publisher(it, ledger, StillClock(), PARTITIONS, LEASE_MS)
        for it in (book, RedisRuleBook(other_client, PARTITIONS))
    ]
    answers = await asyncio.gather(
        both[0].apply(rules("a"), "ann", ""),
        both[1].apply(rules("b"), "bob", ""),
        return_exceptions=True,
    )
    await other_client.close()
    won = [it for it in answers if isinstance(it, Marker)]
    told = [str(it) for it in answers if isinstance(it, PublishError)]
    assert len(won) == len(told) == 1
    assert "ann" in told[0] or "bob" in told[0] or "somebody else was first" in told[0]
    assert set(await book.partitions()) == {won[0]}


class Interrupted(RedisRuleBook):
    """A rule book that lets somebody else act before one of its calls, which go on unaware."""

    def __init__(self, client: Client, call: tuple[str, int], act: Act) -> None:
        super().__init__(client, PARTITIONS)
        self._call, self._act, self._calls = call, act, 0

    async def _meanwhile(self, name: str) -> None:
        if name == self._call[0]:
            self._calls += 1
            if self._calls == self._call[1]:
                await self._act()

    async def raise_partition(self, partition: int, marker: Marker) -> Marker:
        await self._meanwhile("raise")
        return await super().raise_partition(partition, marker)

    async def partitions(self) -> Sequence[Marker]:
        await self._meanwhile("read")
        return await super().partitions()

    async def finish(self, marker: Marker) -> bool:
        await self._meanwhile("finish")
        return await super().finish(marker)


@pytest.mark.parametrize(
    "call", [*(("raise", n) for n in range(1, PARTITIONS + 1)), ("read", 1), ("finish", 1)]
)
async def test_an_apply_that_is_rolled_back_under_its_hands_is_told_and_leaves_nothing(
    publisher: Publisher, book: RedisRuleBook, ledger: SqlLedger, valkey_url: str,
    call: tuple[str, int],
) -> None:  # fmt: skip
    """Its command is alive; somebody thinks it is not, and takes it back."""
    await publisher.apply(rules("v1"), "ann", "")
    client = Client(valkey_url)
    taken_back: list[Marker] = []

    async def take_back() -> None:
        taken_back.append(await publisher.rollback("bob", "it hangs"))

    slow = Interrupted(client, call, take_back)
    with pytest.raises(PublishError, match=r"another flip has taken over|somebody else was first"):
        await Publisher(slow, ledger, StillClock(), PARTITIONS, LEASE_MS).apply(
            rules("v2"), "ann", ""
        )
    await client.close()
    assert taken_back == [Marker(3, "v1")]
    assert set(await book.partitions()) == {Marker(3, "v1")}
    assert (await book.publication()).pending is None
    lines = {it.epoch: (it.version, it.kind) for it in await ledger.history(10)}
    assert lines == {1: ("v1", "apply"), 2: ("v2", "apply"), 3: ("v1", "rollback")}
    with pytest.raises(PublishError, match="nothing to roll back to"):
        await publisher.rollback("bob", "")


class Killed(BaseException):
    """The admin's process dies."""


@pytest.mark.parametrize("steps", range(PARTITIONS + 1))
async def test_an_apply_killed_anywhere_is_finished_by_resume(
    publisher: Publisher, book: RedisRuleBook, ledger: SqlLedger, steps: int
) -> None:
    await publisher.apply(rules("v1"), "ann", "")
    await die_after(publisher, steps)
    with pytest.raises(PublishError, match="ann has a flip to rule version v2 open"):
        await publisher.apply(rules("v3"), "bob", "")
    assert await publisher.resume("bob") == Marker(2, "v2")
    assert set(await book.partitions()) == {Marker(2, "v2")}
    assert (await ledger.history(1))[0].note == "begun by ann, finished by bob"


@pytest.mark.parametrize("steps", range(PARTITIONS + 1))
async def test_an_apply_killed_anywhere_is_taken_back_by_rollback(
    publisher: Publisher, book: RedisRuleBook, steps: int
) -> None:
    await publisher.apply(rules("v1"), "ann", "")
    await die_after(publisher, steps)
    assert await publisher.rollback("bob", "") == Marker(3, "v1")
    assert set(await book.partitions()) == {Marker(3, "v1")}
    assert (await book.publication()).pending is None


async def test_an_apply_killed_at_its_very_end_leaves_no_hole_in_the_history(
    publisher: Publisher, book: RedisRuleBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: Marker) -> bool:
        raise Killed

    await publisher.apply(rules("v1"), "ann", "")
    with monkeypatch.context() as patched:
        patched.setattr(book, "finish", die)
        with pytest.raises(Killed):
            await publisher.apply(rules("v2"), "ann", "")
    await publisher.resume("bob")
    assert await publisher.rollback("bob", "") == Marker(3, "v1")


async def test_after_an_interrupted_flip_was_taken_back_rollbacks_still_count_right(
    publisher: Publisher,
) -> None:
    for version in ("v0", "v1"):
        await publisher.apply(rules(version), "ann", "")
    await die_after(publisher, 1)
    assert (await publisher.rollback("bob", "")).version == "v1"
    assert (await publisher.rollback("bob", "")).version == "v0"


async def test_an_interrupted_rollback_can_only_be_finished(publisher: Publisher) -> None:
    for version in ("v1", "v2"):
        await publisher.apply(rules(version), "ann", "")

    def die(step: Step) -> None:
        raise Killed(step)

    with pytest.raises(Killed):
        await publisher.rollback("ann", "", die)
    with pytest.raises(PublishError, match=r"open \(rollback, epoch 3\).*--resume`$"):
        await publisher.rollback("bob", "")
    assert (await publisher.resume("bob")).version == "v1"


async def die_after(publisher: Publisher, steps: int) -> None:
    def die(step: Step) -> None:
        if step.doing == "gateways" or step.done > steps:
            raise Killed

    with pytest.raises(Killed):
        await publisher.apply(rules("v2"), "ann", "", die)


async def test_resume_without_an_open_flip_says_what_is_in_force(publisher: Publisher) -> None:
    await publisher.apply(rules("v1"), "ann", "")
    with pytest.raises(PublishError, match="no flip is open; rule version v1 is in force"):
        await publisher.resume("bob")


async def test_it_waits_for_a_gateway_that_lags_but_no_longer_than_its_lease(
    book: RedisRuleBook, ledger: SqlLedger
) -> None:
    clock = StillClock()
    publisher = Publisher(book, ledger, clock, PARTITIONS, LEASE_MS)
    await book.report("gateway-1", 0, 60_000)
    await publisher.apply(rules("v1"), "ann", "")
    assert clock.passed_s == pytest.approx(LEASE_MS / 1000, abs=0.05)


async def test_it_does_not_wait_when_every_gateway_follows_at_once(
    book: RedisRuleBook, ledger: SqlLedger
) -> None:
    clock = StillClock()
    await book.report("gateway-1", 1, 60_000)
    await Publisher(book, ledger, clock, PARTITIONS, LEASE_MS).apply(rules("v1"), "ann", "")
    assert clock.passed_s == 0


async def test_without_the_ledger_nothing_is_flipped(
    publisher: Publisher, book: RedisRuleBook, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise LedgerUnavailable("gone")

    monkeypatch.setattr(ledger, "keep_rules", gone)
    with pytest.raises(LedgerUnavailable):
        await publisher.apply(rules("v1"), "ann", "")
    assert (await book.publication()).pending is None
    assert set(await book.partitions()) == {Marker(0, "")}


async def test_a_partition_that_reads_back_differently_is_no_success(
    publisher: Publisher, book: RedisRuleBook, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a failover to a copy that had not heard of the write yet."""
    old = await publisher.apply(rules("v1"), "ann", "")
    real = book.partitions

    async def forgetful() -> list[Marker]:
        return [old if n == 2 else it for n, it in enumerate(await real())]

    monkeypatch.setattr(book, "partitions", forgetful)
    with pytest.raises(PublishError, match="partition 2 is under epoch 1 already while epoch 2"):
        await publisher.apply(rules("v2"), "bob", "")
    publication = await book.publication()
    assert (publication.marker, publication.pending) == (old, Marker(2, "v2"))
    assert [line.version for line in await ledger.history(5)] == ["v1"]
    monkeypatch.undo()
    assert await publisher.resume("bob") == Marker(2, "v2")
    assert set(await book.partitions()) == {Marker(2, "v2")}
