"""Shadows: whoever waits never notices, nothing is ever booked twice, and what differs is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.canonical.enquiry import Price
from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Limits, Window
from gateway.canonical.outcome import Booked, Cause, Outcome, Refused, Unknown
from gateway.canonical.process import Target
from gateway.canonical.validation import Difference, NotOffered, Valid, Validated
from gateway.clock import SystemClock
from gateway.errors import ErpUnavailable, LedgerUnavailable
from gateway.flow.calls import Caller
from gateway.flow.shadow import How, Shadows
from gateway.flow.shadow_report import shadow_report
from gateway.policy.windows import Windows
from gateway.routing.facts import Decision, Facts
from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio

AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
PRICE = Price(
    sku="S-1", legal_entity="NL01", currency="EUR", unit_price=Decimal("9.95"), tax_included=True,
    as_of=AS_OF,
)  # fmt: skip
FACTS = Facts("catalog.price", channel="webshop", legal_entity="NL01", sku="S-1")
HOW = How(in_flight_max=4, controls_one_in=0, money_tolerance=Decimal("0.01"), skew_s=300)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class AskedErp(ScriptedErp):
    """Answers prices from a list, or when it is let, and validates as told."""

    def __init__(self, name: Target) -> None:
        super().__init__(name)
        self.prices: list[Price | None] = []
        self.gate: asyncio.Event | None = None
        self.says: Validated = Valid()

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        self.asked.append(("price", sku))
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        return self.prices.pop(0)

    async def validate(self, envelope: Envelope) -> Validated:
        self.asked.append(("validate", envelope.transaction_id))
        return self.says


class World:
    """Two ERPs, a ledger, a quota, and what compares."""

    def __init__(self, ledger: SqlLedger, buffer: Buffer, how: How = HOW) -> None:
        self.ledger = ledger
        self.erps = {it: AskedErp(it) for it in (Target.LEGACY, Target.CLOUD)}
        self.notes = Notes()
        limits = {it: Limits(50, (Window(1000, 60_000),), 5000) for it in self.erps}
        caller = Caller(OpenQuotas(buffer.client, limits), SystemClock(), Windows(), patience_ms=0)
        self.shadows = Shadows(ledger, self.erps, caller, how, SystemClock(), self.notes, Random(1))

    def read(self, answer: Price | None, target: Target = Target.LEGACY) -> None:
        other = Target.CLOUD if target is Target.LEGACY else Target.LEGACY
        decision = Decision(target, "r-1", "v", "", other)
        self.shadows.read(FACTS, decision, answer, lambda erp: erp.price("S-1", "NL01"))

    async def report(self) -> dict[str, Any]:
        await self.shadows.settled()
        await self.shadows.flush()
        found = await shadow_report(self.ledger, LONG_AGO)
        (process,) = found["processes"]
        return dict(process)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield opened
    await opened.close()


@pytest.fixture
def world(ledger: SqlLedger, buffer: Buffer) -> World:
    return World(ledger, buffer)


async def test_nothing_compared_is_an_empty_report(world: World) -> None:
    await world.shadows.flush()

    assert (await shadow_report(world.ledger, LONG_AGO))["processes"] == []


async def test_a_decision_without_shadow_asks_nobody(world: World) -> None:
    decision = Decision(Target.LEGACY, "r", "v", "")
    world.shadows.read(FACTS, decision, PRICE, lambda erp: erp.price("S-1", "NL01"))
    await world.shadows.settled()

    assert world.erps[Target.CLOUD].asked == []


@pytest.mark.parametrize("serving", [Target.LEGACY, Target.CLOUD])
async def test_what_differs_is_counted_by_field_and_kept_by_key(
    world: World, serving: Target
) -> None:
    candidate = world.erps[Target.CLOUD if serving is Target.LEGACY else Target.LEGACY]
    alike = PRICE.model_copy(
        update={"unit_price": Decimal("9.96"), "as_of": AS_OF + timedelta(0, 9)}
    )
    candidate.prices = [alike, PRICE.model_copy(update={"unit_price": Decimal("8.00")}), None]
    for _ in range(3):
        world.read(PRICE, serving)

    found = await world.report()

    assert (found["candidate"], found["compared"], found["different"]) == (candidate.name, 3, 2)
    fields = {it["path"]: it for it in found["fields"]}
    assert set(fields) == {"unit_price", ""}
    (example,) = fields["unit_price"]["examples"]
    assert example["business_key"] == "S-1|NL01"
    assert (example["control"], example["candidate"]) == ("9.95", "8.00")
    assert await world.ledger.shadow_rate(["r-1"], 0) == (3, 2)
    assert await world.ledger.shadow_rate(["other"], 0) == (0, 0)


async def test_a_candidate_that_hangs_keeps_nobody_waiting_and_is_not_asked_more_than_bounded(
    world: World,
) -> None:
    candidate = world.erps[Target.CLOUD]
    candidate.gate = asyncio.Event()
    candidate.prices = [PRICE] * 4

    for _ in range(10):
        world.read(PRICE)  # returns at once: there is nothing to await
    await asyncio.sleep(0.05)

    candidate.gate.set()
    found = await world.report()
    assert (found["compared"], found["skipped"]) == (4, 6)


@pytest.mark.parametrize("fails", [ErpUnavailable("silent"), RuntimeError("a bug in the dialect")])
async def test_a_candidate_that_fails_fails_nobody(world: World, fails: Exception) -> None:
    world.erps[Target.CLOUD].fails = fails
    world.read(PRICE)
    await world.shadows.settled()
    await world.shadows.flush()

    known = isinstance(fails, ErpUnavailable)
    assert bool(world.notes.troubles) is not known
    if known:
        assert (await world.report())["failed"] == 1


async def test_what_the_control_itself_wavers_in_is_taken_off(
    ledger: SqlLedger, buffer: Buffer
) -> None:
    world = World(ledger, buffer, replace(HOW, controls_one_in=1))
    wavering = PRICE.model_copy(update={"unit_price": Decimal("12.00")})
    world.erps[Target.LEGACY].prices = [wavering, wavering]
    world.erps[Target.CLOUD].prices = [
        wavering, PRICE.model_copy(update={"unit_price": Decimal("12.00"), "currency": "USD"}),
    ]  # fmt: skip
    for _ in range(2):
        world.read(PRICE)

    found = await world.report()

    rates = {it["path"]: (it["rate"], it["noise_rate"], it["net_rate"]) for it in found["fields"]}
    assert found["controls"] == 2
    assert rates == {"unit_price": (1.0, 1.0, 0.0), "currency": (0.5, 0.0, 0.5)}


async def test_without_quota_to_spare_nothing_is_asked(ledger: SqlLedger, buffer: Buffer) -> None:
    world = World(ledger, buffer)
    limits = {it: Limits(1, (Window(1000, 60_000),), 5000) for it in world.erps}
    quotas = OpenQuotas(buffer.client, limits)
    world.shadows._caller = Caller(quotas, SystemClock(), Windows(), patience_ms=0)
    gate = world.erps[Target.CLOUD].gate = asyncio.Event()
    world.erps[Target.CLOUD].prices = [PRICE]
    world.read(PRICE)
    await asyncio.sleep(0.05)
    world.read(PRICE)
    await asyncio.sleep(0.05)

    gate.set()
    found = await world.report()
    assert (found["compared"], found["failed"]) == (1, 1)


async def test_ignored_fields_are_not_compared(ledger: SqlLedger, buffer: Buffer) -> None:
    world = World(ledger, buffer, replace(HOW, ignore=("catalog.price:currency",)))
    world.erps[Target.CLOUD].prices = [PRICE.model_copy(update={"currency": "USD"})]
    world.read(PRICE)

    assert (await world.report())["different"] == 0


# ----------------------------------------------------------------------------- writes


def message() -> Envelope:
    return Envelope.model_validate_json(entry("A-1").payload)


WRITE = Decision(None, "r-1", "v", "", Target.CLOUD)


@pytest.mark.parametrize(
    ("outcome", "says", "paths"),
    [
        (Booked("1"), Valid(), set()),
        (Booked("1"), Valid((Difference("lines[2].amount", "1.00", "1.50"),)), {"lines[].amount"}),
        (Booked("1"), Refused(Cause.UNKNOWN_ITEM, "no S-1"), {"outcome"}),
        (Refused(Cause.UNKNOWN_ITEM, "x"), Refused(Cause.UNKNOWN_ITEM, "other words"), set()),
        (Refused(Cause.CREDIT_BLOCK, "x"), Refused(Cause.UNKNOWN_ITEM, "x"), {"outcome"}),
        (Refused(Cause.CREDIT_BLOCK, "x"), Valid(), {"outcome"}),
    ],
)
async def test_a_write_is_validated_and_never_sent(
    world: World, outcome: Outcome, says: Validated, paths: set[str]
) -> None:
    cloud = world.erps[Target.CLOUD]
    cloud.says = says
    world.shadows.write(message(), WRITE, outcome)

    found = await world.report()

    assert {kind for kind, _ in cloud.asked} == {"validate"}
    assert world.erps[Target.LEGACY].asked == []
    assert {it["path"] for it in found["fields"]} == paths


@pytest.mark.parametrize(
    ("says", "counted"), [(NotOffered("no action"), "skipped"), (Unknown("reset"), "failed")]
)
async def test_what_says_nothing_is_no_difference(
    world: World, says: Validated, counted: str
) -> None:
    world.erps[Target.CLOUD].says = says
    world.shadows.write(message(), WRITE, Booked("1"))

    found = await world.report()
    assert (found["compared"], found[counted]) == (0, 1)


async def test_an_unknown_outcome_is_nothing_to_compare_with(world: World) -> None:
    world.shadows.write(message(), WRITE, Unknown("reset"))
    await world.shadows.settled()

    assert world.erps[Target.CLOUD].asked == []


async def test_customers_data_is_not_kept(world: World) -> None:
    told = Difference("ship_to.city", "Amsterdam", "Amsterdm")
    world.erps[Target.CLOUD].says = Valid((told,))
    world.shadows.write(message(), WRITE, Booked("1"))

    (field,) = (await world.report())["fields"]
    assert field["examples"][0]["control"] == "(9 characters)"
    assert "Amster" not in str(field)


async def test_a_ledger_that_is_away_costs_the_batch_and_nothing_else(world: World) -> None:
    world.erps[Target.CLOUD].prices = [PRICE, PRICE]
    world.read(PRICE)
    await world.shadows.settled()
    kept, world.shadows._kept = world.shadows._kept, Away()
    with pytest.raises(LedgerUnavailable):
        await world.shadows.flush()
    world.shadows._kept = kept
    world.read(PRICE)

    assert (await world.report())["compared"] == 1


class Away:
    """A ledger that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise LedgerUnavailable("away")
