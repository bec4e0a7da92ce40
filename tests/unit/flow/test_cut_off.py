"""A gateway cut off from Redis while a flip happens serves no read by the old rules past its lease.

Its rules and its writes go through a link that fails; its quota does not, so that nothing but the
rule lease stands between a shopper and the wrong ERP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.canonical.enquiry import Availability
from gateway.canonical.envelope import Marker, order_key
from gateway.canonical.exchange import Limits, Window
from gateway.canonical.process import ERPS, Target
from gateway.clock import SystemClock
from gateway.errors import CoexistError, FlipInterrupted, RulesUnavailable, StoreUnavailable
from gateway.flow.accept import Acceptor
from gateway.flow.calls import Caller
from gateway.flow.enquire import Enquiries
from gateway.flow.owners import OwnerFinder
from gateway.flow.publish import Publisher, Step
from gateway.flow.versions import RuleVersions
from gateway.policy.windows import Windows
from gateway.routing.facts import Facts
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger
from gateway.store.redis import client, commit
from gateway.store.redis.client import Client
from gateway.store.redis.intake import RedisIntake
from gateway.store.redis.rulebook import RedisRuleBook
from tests.link import FAULTS, Link, link_to
from tests.unit.flow.doubles import OpenQuotas, ScriptedErp
from tests.unit.flow.rulesets import all_to
from tests.unit.flow.test_accept import submission
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

LEASE_MS = 300
READ = Facts("inventory.availability", sku="TEE")
STOCK = {Target.LEGACY: 1, Target.CLOUD: 2}

#: Whoever comes to the end of a rule lease is answered 503, by one of these.
REFUSALS = (RulesUnavailable, StoreUnavailable)


class StockErp(ScriptedErp):
    """Answers with its own stock, so that a read tells who served it."""

    async def availability(self, sku: str, legal_entity: str) -> Availability:
        now = datetime.now(UTC)
        return Availability(
            sku=sku, legal_entity=legal_entity, available=STOCK[self.name], unit="EA", as_of=now
        )


class CutOff:
    """One gateway process's parts behind a link."""

    def __init__(self, link: Link, buffer: Buffer, ledger: SqlLedger) -> None:
        self.client = Client(f"redis://127.0.0.1:{link.port}")
        book, clock = RedisRuleBook(self.client, PARTITIONS), SystemClock()
        self.versions = RuleVersions(book, ledger, clock, LEASE_MS)
        self.versions.read_as("cut-off")
        quotas = OpenQuotas(
            buffer.client, dict.fromkeys(ERPS, Limits(5, (Window(9000, 1000),), 3000))
        )
        erps = {it: StockErp(it) for it in ERPS}
        self.enquiries = Enquiries(self.versions, erps, Caller(quotas, clock, Windows()))
        self.acceptor = Acceptor(
            RedisIntake(self.client, PARTITIONS, clock), self.versions,
            OwnerFinder(ledger, {}, Caller(quotas, clock, Windows())), clock, PARTITIONS,
        )  # fmt: skip

    async def follow(self) -> None:
        """Look at the rules as the process does, and fail as it does."""
        while True:
            try:
                await self.versions.refresh()
                await self.versions.report()
            except CoexistError:
                pass
            await asyncio.sleep(LEASE_MS / 4000)

    async def read(self) -> int:
        return (await self.enquiries.availability(READ)).available

    async def read_at_last(self) -> int:
        """Read until it is served; how long a link takes to come back is not ours to say."""
        async with asyncio.timeout(20):
            while True:
                try:
                    return await self.read()
                except REFUSALS:
                    await asyncio.sleep(0.02)


@pytest.fixture
def link(valkey_url: str) -> Iterator[Link]:
    with link_to(int(valkey_url.rpartition(":")[2])) as made:
        yield made


@pytest.fixture
async def publisher(buffer: Buffer, ledger: SqlLedger) -> Publisher:
    buffer.client.now_ms = ""
    await buffer.client.command("FLUSHALL")
    made = Publisher(buffer.book, ledger, SystemClock(), PARTITIONS, LEASE_MS)
    await made.apply(all_to(Mode.LEGACY), "ann", "")
    return made


@pytest.fixture
async def gateway(
    link: Link, buffer: Buffer, ledger: SqlLedger, publisher: Publisher
) -> AsyncIterator[CutOff]:
    del publisher
    made = CutOff(link, buffer, ledger)
    following = asyncio.create_task(made.follow())
    yield made
    link.heal()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await made.client.close()


@pytest.mark.parametrize("how", FAULTS)
async def test_cut_off_it_serves_its_lease_out_then_refuses_then_follows(
    gateway: CutOff,
    buffer: Buffer,
    link: Link,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    for module in (client, commit):  # how long a stalled server is waited for
        monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    assert await gateway.read() == STOCK[Target.LEGACY]
    await gateway.acceptor.accept(submission("before"))
    link.fail(how)
    async with asyncio.timeout(20):  # it waits for the lease of the silent gateway, not for ever
        marker = await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    for _ in range(5):
        with pytest.raises(REFUSALS):
            await gateway.read()
        await asyncio.sleep(LEASE_MS / 2000)
    with pytest.raises(StoreUnavailable):
        await gateway.acceptor.accept(submission("meanwhile"))
    link.heal()
    assert await gateway.read_at_last() == STOCK[Target.CLOUD]
    assert (await gateway.versions.current())[0] == marker
    # What the link kept back of it has arrived by now, under the epoch it was sent by.
    assert await buffer.intake.owner(order_key("webshop", "meanwhile")) is None
    await gateway.acceptor.accept(submission("meanwhile"))
    assert await buffer.intake.owner(order_key("webshop", "meanwhile")) is Target.CLOUD


@pytest.mark.parametrize("steps", range(1, PARTITIONS + 1))
async def test_an_apply_that_is_cut_off_says_how_far_it_came_and_how_to_go_on(
    gateway: CutOff,
    link: Link,
    publisher: Publisher,
    ledger: SqlLedger,
    buffer: Buffer,
    steps: int,
) -> None:
    far = RedisRuleBook(gateway.client, PARTITIONS)
    flipping = Publisher(far, ledger, SystemClock(), PARTITIONS, LEASE_MS)

    def cut(step: Step) -> None:
        if (step.doing, step.done) == ("partitions", steps):
            link.fail("cut")

    wanted = all_to(Mode.CLOUD)
    with pytest.raises(FlipInterrupted) as error:
        await flipping.apply(wanted, "ann", "", cut)
    assert error.value.detail == (
        f"the flip to rule version {wanted.version} (apply, epoch 2) stands open after {steps} of "
        f"{PARTITIONS} partitions: the store cannot be reached; once that is over, finish it with "
        "`coexist rules apply --resume`, or take it back with `coexist rules rollback`"
    )
    assert (await buffer.book.publication()).pending == Marker(2, wanted.version)
    with pytest.raises(FlipInterrupted, match=r"whether the flip .* was begun is not known"):
        await Publisher(
            BeginsCut(buffer.book), ledger, SystemClock(), PARTITIONS, LEASE_MS
        ).rollback("bob", "")
    assert await publisher.resume("bob") == Marker(2, wanted.version)


class BeginsCut:
    """A rule book whose store goes away at the moment a flip is to begin."""

    def __init__(self, book: RedisRuleBook) -> None:
        self._book = book

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    async def begin(self, *_: object, **__: object) -> Marker | None:
        raise StoreUnavailable("the store cannot be reached; repeat it with the same key")


async def test_what_it_saw_before_a_flip_and_hears_after_it_serves_nothing(
    gateway: CutOff, link: Link, publisher: Publisher
) -> None:
    """The answer to its look is on the way while the rules change, longer than the lease."""
    assert await gateway.read() == STOCK[Target.LEGACY]
    link.fail("deaf")
    await asyncio.sleep(LEASE_MS / 1000 + 0.05)
    asked = [asyncio.create_task(gateway.read()) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert not any(it.done() for it in asked)
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    link.heal()
    assert await asyncio.gather(*asked) == [STOCK[Target.CLOUD]] * 3


async def test_a_flip_and_its_way_back_while_it_was_cut_off_leave_it_on_the_newest_epoch(
    gateway: CutOff, link: Link, publisher: Publisher
) -> None:
    """It comes back to the version it had, under an epoch that is two higher."""
    assert await gateway.read() == STOCK[Target.LEGACY]
    link.fail("cut")
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    marker = await publisher.rollback("bob", "")
    link.heal()
    assert await gateway.read_at_last() == STOCK[Target.LEGACY]
    assert (await gateway.versions.current())[0] == marker
