"""Accept: idempotency by key and by reference, the fence as a gateway sees it, owners."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import Marker, order_key, partition_of
from gateway.canonical.exchange import Limits, Window
from gateway.canonical.process import ERPS, PROCESSES, Priority, Target
from gateway.clock import SystemClock
from gateway.errors import (
    ErpUnavailable,
    IdempotencyClash,
    NotFound,
    RulesUnavailable,
)
from gateway.flow.accept import Acceptor, Receipt, Submission
from gateway.flow.calls import Caller
from gateway.flow.owners import OwnerFinder
from gateway.flow.publish import Publisher
from gateway.flow.versions import RuleVersions
from gateway.policy.windows import Windows
from gateway.routing.facts import Facts
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.flow.doubles import OpenQuotas, ScriptedErp, StillClock
from tests.unit.flow.rulesets import all_to
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

LEGACY_RULES, CLOUD_RULES, HOLD_RULES = (
    all_to(mode) for mode in (Mode.LEGACY, Mode.CLOUD, Mode.HOLD)
)


class Gateway:
    """One gateway process's way of accepting."""

    def __init__(self, buffer: Buffer, ledger: SqlLedger, erps: dict[Target, ScriptedErp]) -> None:
        self.versions = RuleVersions(buffer.book, ledger, SystemClock(), 60_000)
        limits = dict.fromkeys(ERPS, Limits(5, (Window(1000, 1000),), 3000))
        caller = Caller(OpenQuotas(buffer.client, limits), SystemClock(), Windows())
        finder = OwnerFinder(ledger, erps, caller)
        self.acceptor = Acceptor(buffer.intake, self.versions, finder, SystemClock(), PARTITIONS)

    async def order(self, ref: str, key: str | None = None, digest: bytes = b"d" * 16) -> Receipt:
        return await self.acceptor.accept(submission(ref, key=key, digest=digest))

    async def cancel(self, ref: str) -> Receipt:
        return await self.acceptor.accept(submission(ref, process="order.cancellation"))


def submission(
    ref: str, *, process: str = "order.intake", key: str | None = None, digest: bytes = b"d" * 16
) -> Submission:
    return Submission(
        process=process,
        channel="webshop",
        object_key=order_key("webshop", ref),
        reference=ref,
        facts=Facts(process, channel="webshop", legal_entity="NL01", order_ref=ref),
        body={"order_ref": ref},
        digest=digest,
        key=key,
        order_channel="webshop",
        order_ref=ref,
    )


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
def erps() -> dict[Target, ScriptedErp]:
    return {target: ScriptedErp(target) for target in ERPS}


@pytest.fixture
async def publisher(buffer: Buffer, ledger: SqlLedger) -> Publisher:
    await buffer.client.command("FLUSHALL")
    made = Publisher(buffer.book, ledger, StillClock(), PARTITIONS, 1000)
    await made.apply(LEGACY_RULES, "ann", "")
    return made


@pytest.fixture
async def gateway(
    publisher: Publisher, buffer: Buffer, ledger: SqlLedger, erps: dict[Target, ScriptedErp]
) -> Gateway:
    return Gateway(buffer, ledger, erps)


async def test_a_repeat_gets_the_first_receipt(gateway: Gateway) -> None:
    first = await gateway.order("A-1", key="k-1")
    again = await gateway.order("A-1", key="k-1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.transaction_id == first.transaction_id


@pytest.mark.parametrize("process", ["order.intake", "order.cancellation", "return.credit"])
async def test_what_is_taken_has_the_class_of_its_process(
    gateway: Gateway, buffer: Buffer, process: str
) -> None:
    await gateway.order("A-1")
    before = (await buffer.backlog.read()).waiting
    await gateway.acceptor.accept(replace(submission("A-1", process=process), reference="next"))
    after = (await buffer.backlog.read()).waiting
    classes = [b - a for a, b in zip(before, after, strict=True)]
    assert classes == [int(it is PROCESSES[process].priority) for it in Priority]


async def test_concurrent_repeats_are_taken_once(gateway: Gateway, buffer: Buffer) -> None:
    receipts = await asyncio.gather(*(gateway.order("A-1", key="k-1") for _ in range(30)))
    assert len({it.transaction_id for it in receipts}) == 1
    assert sum(not it.replayed for it in receipts) == 1
    assert (await buffer.lanes.backlog())["legacy"] == 1


async def test_one_key_with_two_orders_is_refused(gateway: Gateway, buffer: Buffer) -> None:
    await gateway.order("A-1", key="k-1", digest=b"1" * 16)
    with pytest.raises(IdempotencyClash, match="Idempotency-Key 'k-1' was used before"):
        await gateway.order("A-2", key="k-1", digest=b"2" * 16)
    assert (await buffer.lanes.backlog())["legacy"] == 1


async def test_one_order_under_two_keys_is_taken_once(gateway: Gateway, buffer: Buffer) -> None:
    first = await gateway.order("A-1", key="k-1")
    second = await gateway.order("A-1", key="k-2")
    assert second.replayed
    assert second.transaction_id == first.transaction_id
    assert (await buffer.lanes.backlog())["legacy"] == 1


async def test_the_same_order_with_another_body_is_refused(gateway: Gateway) -> None:
    first = await gateway.order("A-1", digest=b"1" * 16)
    with pytest.raises(IdempotencyClash, match=f"'A-1' was accepted .* {first.transaction_id}"):
        await gateway.order("A-1", digest=b"2" * 16)


async def test_a_gateway_that_missed_the_flip_decides_again_by_the_new_rules(
    gateway: Gateway, publisher: Publisher, buffer: Buffer
) -> None:
    await gateway.order("A-1")
    await publisher.apply(CLOUD_RULES, "ann", "")
    await gateway.order("A-2")
    assert await buffer.intake.owner(order_key("webshop", "A-1")) is Target.LEGACY
    assert await buffer.intake.owner(order_key("webshop", "A-2")) is Target.CLOUD


async def test_a_follow_up_goes_to_the_owner_through_a_flip(
    gateway: Gateway, publisher: Publisher, buffer: Buffer
) -> None:
    await gateway.order("A-1")
    await publisher.apply(CLOUD_RULES, "ann", "")
    await gateway.cancel("A-1")
    assert (await buffer.lanes.backlog())["cloud"] == 0


async def test_an_old_order_s_owner_is_looked_up_and_pinned(
    gateway: Gateway, buffer: Buffer, erps: dict[Target, ScriptedErp]
) -> None:
    erps[Target.CLOUD].orders.add("OLD-1")
    await gateway.cancel("OLD-1")
    assert await buffer.intake.owner(order_key("webshop", "OLD-1")) is Target.CLOUD
    assert (await buffer.lanes.backlog())["cloud"] == 1


async def test_an_order_nobody_has_is_not_found_and_nothing_is_taken(
    gateway: Gateway, buffer: Buffer
) -> None:
    with pytest.raises(NotFound, match="no order 'NOPE' of channel 'webshop' is known"):
        await gateway.cancel("NOPE")
    assert await buffer.intake.claimed(
        order_key("webshop", "NOPE"), "webshop|order.cancellation|NOPE"
    ) is None  # fmt: skip


@pytest.mark.parametrize("having", [Target.LEGACY, None])
async def test_while_one_erp_is_silent_it_is_taken_and_nothing_is_sent_by_default(
    gateway: Gateway, buffer: Buffer, erps: dict[Target, ScriptedErp], having: Target | None
) -> None:
    erps[Target.CLOUD].fails = ErpUnavailable("silent")
    if having:
        erps[having].orders.add("OLD-1")
    await gateway.cancel("OLD-1")
    assert await buffer.intake.owner(order_key("webshop", "OLD-1")) is None
    backlog = await buffer.lanes.backlog()
    assert (backlog["legacy"], backlog["cloud"], backlog["parked"]) == (0, 0, 1)


async def test_under_hold_orders_are_taken_and_parked(
    gateway: Gateway, publisher: Publisher, buffer: Buffer
) -> None:
    await publisher.apply(HOLD_RULES, "ann", "")
    receipt = await gateway.order("A-1")
    assert not receipt.replayed
    assert (await buffer.lanes.backlog())["parked"] == 1
    assert await buffer.intake.owner(order_key("webshop", "A-1")) is None


async def test_rules_nobody_holds_the_text_of_refuse_writes(
    gateway: Gateway, buffer: Buffer
) -> None:
    await buffer.under(Marker(9, "feedfacecafe"))
    with pytest.raises(RulesUnavailable, match="feedfacecafe is in force but neither"):
        await gateway.order("A-1")


async def test_before_any_rules_are_applied_writes_are_refused_with_the_remedy(
    buffer: Buffer, ledger: SqlLedger, erps: dict[Target, ScriptedErp]
) -> None:
    await buffer.client.command("FLUSHALL")
    with pytest.raises(RulesUnavailable, match=r"no routing rules are in force.*rules apply"):
        await Gateway(buffer, ledger, erps).order("A-1")


async def test_during_a_flip_each_object_is_decided_by_its_own_partition(
    gateway: Gateway, publisher: Publisher, buffer: Buffer
) -> None:
    """Half-way through an apply some partitions are under the new rules, others not yet."""
    await gateway.order("A-0")
    await buffer.book.keep(CLOUD_RULES.version, CLOUD_RULES.text)
    marker = await buffer.book.begin(1, CLOUD_RULES.version, "apply", "ann")
    assert marker is not None
    for partition in range(PARTITIONS // 2):
        await buffer.book.raise_partition(partition, marker)
    for n in range(40):
        await gateway.order(f"B-{n}")
    for n in range(40):
        key = order_key("webshop", f"B-{n}")
        raised = partition_of(key, PARTITIONS) < PARTITIONS // 2
        expected = Target.CLOUD if raised else Target.LEGACY
        assert await buffer.intake.owner(key) is expected
