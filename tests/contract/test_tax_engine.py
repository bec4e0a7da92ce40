"""The tax engine's adapter against the simulated one: what it calculates, and when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import httpx
import pytest

from gateway.callers.tax import TaxCaller
from gateway.canonical.order import Order
from gateway.canonical.outcome import Cause, Delayed, Refused
from gateway.canonical.process import Target
from gateway.canonical.taxation import SHIPPING, TaxQuestion, TaxQuoted
from gateway.chain.plan import Plan, TaxSource
from gateway.chain.run import Chain
from gateway.chain.tax import question
from gateway.clock import SystemClock
from gateway.flow.taxes import TaxDesk
from simulators.tax.options import TaxOptions
from simulators.tax.site import tax_engine
from tests.unit.chain.test_steps import Known, a_net_order
from tests.unit.erp.envelopes import envelope, order
from tests.unit.simulators.serving import served

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served(lambda: tax_engine(TaxOptions(latency_ms_min=0.0, latency_ms_max=1.0))) as url:
        yield url


@pytest.fixture
async def engine(site: str) -> AsyncIterator[TaxCaller]:
    made = TaxCaller(site, "1100012345", "tax-gateway", 0.5)
    yield made
    await made.close()
    heal(site)


def fault(site: str, name: str, **parameters: object) -> None:
    httpx.put(f"{site}/control/faults/{name}", json=parameters).raise_for_status()


def heal(site: str) -> None:
    httpx.delete(f"{site}/control/faults").raise_for_status()


def books(site: str) -> str:
    return httpx.get(f"{site}/control/books").text


def asked(wanted: Order) -> TaxQuestion:
    return question(envelope(wanted), wanted)


async def test_tax_within_and_beside_the_price(engine: TaxCaller) -> None:
    within = await engine.quote(asked(order()))
    beside = await engine.quote(asked(a_net_order()))
    assert isinstance(within, TaxQuoted)
    assert isinstance(beside, TaxQuoted)
    [part] = within.lines[1]
    assert (part.amount, part.rate, part.category) == (Decimal("6.92"), "21", "standard")
    assert within.lines[SHIPPING][0].amount == Decimal("0.86")
    assert beside.lines[1][0].amount == Decimal("8.38")
    assert within.source.startswith("avatax 85")


async def test_what_cannot_be_calculated_is_refused(engine: TaxCaller) -> None:
    line = {**order().model_dump(mode="json")["lines"][0], "taxes": [
        {"amount": "6.93", "category": "luxury"}
    ]}  # fmt: skip
    refused = await engine.quote(asked(order(lines=[line])))
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.TAX_DIFFERS
    assert "Tax code 'luxury' does not exist" in refused.detail


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("outage", {"mode": "503"}),
        ("outage", {"mode": "abort"}),
        ("latency", {"delay_ms": 2_000}),
        ("throttle", {}),
    ],
)
async def test_an_engine_that_does_not_answer_delays(
    engine: TaxCaller, site: str, name: str, parameters: dict[str, object]
) -> None:
    fault(site, name, **parameters)
    delayed = await engine.quote(asked(order()))
    assert isinstance(delayed, Delayed)
    assert "tax engine" in delayed.detail
    assert "ada@example.com" not in delayed.detail
    if name == "throttle":
        assert delayed.retry_after_ms == 1_000


async def test_a_wrong_key_delays_and_says_so(site: str) -> None:
    wrong = TaxCaller(site, "1100012345", "no", 1)
    delayed = await wrong.quote(asked(order()))
    await wrong.close()
    assert isinstance(delayed, Delayed)
    assert "401" in delayed.detail


async def test_nobody_at_the_address_delays() -> None:
    nobody = TaxCaller("http://127.0.0.1:9", "a", "b", 1)
    assert isinstance(await nobody.quote(asked(order())), Delayed)
    await nobody.close()


async def test_an_order_goes_on_once_the_engine_is_up_again_and_asks_it_once(
    engine: TaxCaller, site: str
) -> None:
    desk = TaxDesk(engine, SystemClock())
    plan = Plan(tax=TaxSource.ENGINE)
    chain = Chain(Target.CLOUD, Known(), {("webshop", ""): plan}, quote=desk.quote)
    sent = envelope(a_net_order())
    fault(site, "outage", mode="503")
    for _ in range(3):
        assert isinstance(await chain.prepare(sent), Delayed)
    heal(site)
    before = counted(site)
    shaped = await chain.prepare(sent)
    for _ in range(20):
        if not isinstance(shaped, Delayed):
            break
        await asyncio.sleep(0.05)
        shaped = await chain.prepare(sent)
    assert not isinstance(shaped, Delayed | Refused)
    assert shaped.body["total"] == "54.27"
    assert "tax of avatax 85" in shaped.shaped_by
    assert await chain.prepare(sent) == shaped
    assert counted(site) == before + 1


async def test_no_person_is_told_of(engine: TaxCaller, site: str) -> None:
    await engine.quote(asked(order()))
    assert "Ada" not in books(site)


def counted(site: str) -> int:
    return int(httpx.get(f"{site}/control/counters").json()["calculated"])
