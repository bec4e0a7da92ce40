"""Each step of the order chain on its own, and all of them one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.canonical.breakdown import TaxPart
from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.canonical.customer import Wish
from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.order import Order
from gateway.canonical.outcome import Cause, Delayed, Refused
from gateway.canonical.process import Target
from gateway.canonical.taxation import SHIPPING, TaxQuestion, TaxQuoted
from gateway.chain.customer import Found, wish_of
from gateway.chain.plan import CustomerSource, Plan, TaxSource, plan_of
from gateway.chain.run import Chain
from gateway.mapping.crosswalk import NOTHING, Crosswalk, Crosswalks
from tests.unit.erp.envelopes import envelope, order

pytestmark = pytest.mark.anyio

FEE = {"line": 2, "sku": "gift-wrap", "kind": "fee", "quantity": 1, "unit_price": "2.00"}


class Known:
    """Tables that never change."""

    def __init__(self, tables: Crosswalks = NOTHING) -> None:
        self._tables = tables

    def tables(self) -> Crosswalks:
        return self._tables

    async def refresh(self) -> Crosswalks:
        return self._tables


def table(kind: CrosswalkKind, *rows: Crossing) -> Crosswalks:
    return Crosswalks({kind: Crosswalk(kind, 3, "steward", rows)})


def chain(plan: Plan, tables: Crosswalks = NOTHING, **asks: Callable[..., object]) -> Chain:
    return Chain(Target.LEGACY, Known(tables), {("webshop", ""): plan}, **asks)  # type: ignore[arg-type]


async def shaped(plan: Plan, sent: Envelope, tables: Crosswalks = NOTHING) -> Shaped:
    found = await chain(plan, tables).prepare(sent)
    assert isinstance(found, Shaped)
    return found


def a_net_order() -> Order:
    """19.95 twice and shipping of 4.95, without tax: 44.85 and what tax there is."""
    line = {"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "unit_price": "19.95"}
    return order(tax_included=False, lines=[line], shipping={"amount": "4.95"}, total="44.85")


def engine(*, line: str, shipping: str) -> Callable[[TaxQuestion], object]:
    async def quote(asked: TaxQuestion) -> TaxQuoted:
        parts = {1: (TaxPart.model_validate({"amount": line, "rate": "21"}),)}
        if any(it.line == SHIPPING for it in asked.lines):
            parts[SHIPPING] = (TaxPart.model_validate({"amount": shipping, "rate": "21"}),)
        return TaxQuoted(parts, "engine 7")

    return quote


async def test_an_order_of_a_channel_without_a_plan_is_sent_as_it_came() -> None:
    sent = envelope(order())
    found = await Chain(Target.LEGACY, Known(), {("other", ""): Plan(node="DC1")}).prepare(sent)
    assert isinstance(found, Shaped)
    assert found.body == sent.body
    assert found.shaped_by == ""


async def test_a_plan_of_a_legal_entity_wins_over_the_channel_s() -> None:
    own, usual = Plan(node="DC2"), Plan(node="DC1")
    plans = {("webshop", ""): usual, ("webshop", "DE01"): own}
    assert plan_of(plans, "webshop", "DE01") is own
    assert plan_of(plans, "webshop", "NL01") is usual
    assert plan_of(plans, "amazon", "DE01") is None


@pytest.mark.parametrize(
    ("status", "goes"), [("paid", True), ("authorised", True), ("pending", False)]
)
async def test_which_payments_wait(status: str, goes: bool) -> None:
    sent = envelope(order(payment={"method": "card", "status": status}))
    found = await chain(Plan(payment_waits=frozenset({"pending"}))).prepare(sent)
    if goes:
        assert isinstance(found, Shaped)
        assert found.shaped_by == f"payment {status}"
    else:
        assert isinstance(found, Refused)
        assert found.cause is Cause.PAYMENT_PENDING
        assert "its payment is pending" in found.detail


async def test_a_line_without_a_node_gets_the_channel_s_and_the_crosswalk_s_name_of_it() -> None:
    tables = table(CrosswalkKind.LOCATION, Crossing("", "DC1", "1010", "MAIN"))
    found = await shaped(Plan(node="DC1"), envelope(order()), tables)
    assert [it["node"] for it in found.body["lines"]] == ["1010"]
    assert found.shaped_by == "location DC1, location 3 (steward)"


async def test_what_the_channel_fulfils_gets_no_location() -> None:
    found = await shaped(Plan(node="DC1"), envelope(order(fulfilled_by="channel")))
    assert [it["node"] for it in found.body["lines"]] == [""]
    assert found.shaped_by == "fulfilled by the channel"


async def test_a_fee_goes_to_its_item_and_an_unknown_fee_is_named() -> None:
    lines = [*order().model_dump(mode="json")["lines"], FEE]
    sent = envelope(order(lines=lines, total="46.85"))
    found = await shaped(Plan(fees={"gift-wrap": "FEE-WRAP"}), sent)
    assert [it["sku"] for it in found.body["lines"]] == ["TEE-BLK-M", "FEE-WRAP"]
    assert found.shaped_by == "fees gift-wrap=FEE-WRAP"
    refused = await chain(Plan(fees={"other": "FEE"})).prepare(sent)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.FEE_UNKNOWN
    assert "'gift-wrap' (line 2)" in refused.detail


@pytest.mark.parametrize(
    ("plan", "tables", "decided"),
    [
        (Plan(payment_waits=frozenset({"pending"}), fees={"other": "FEE"}), NOTHING,
         "payment paid, location DC1"),
        (Plan(customer=CustomerSource.COLLECTIVE, collective="WEB", fees={"gift-wrap": "FEE"}),
         table(CrosswalkKind.CUSTOMER),
         "location DC1, fees gift-wrap=FEE, customer WEB (collective)"),
    ],
)  # fmt: skip
async def test_an_order_that_is_stopped_says_what_was_decided_before(
    plan: Plan, tables: Crosswalks, decided: str
) -> None:
    lines = [*order().model_dump(mode="json")["lines"], FEE]
    sent = envelope(order(lines=lines, total="46.85"))
    refused = await chain(replace(plan, node="DC1"), tables).prepare(sent)
    assert isinstance(refused, Refused)
    assert refused.detail.endswith(f"; decided before: {decided}")
    late = chain(Plan(node="DC1", tax=TaxSource.ENGINE)).prepare(envelope(order()))
    assert (await late) == Delayed(
        "it depends on what another system says, and none is asked here; decided before: "
        "location DC1"
    )


async def test_a_collective_customer_goes_through_the_crosswalk() -> None:
    tables = table(CrosswalkKind.CUSTOMER, Crossing("webshop", "WEB", "0000900001", "C900"))
    plan = Plan(customer=CustomerSource.COLLECTIVE, collective="WEB")
    found = await shaped(plan, envelope(order()), tables)
    assert found.body["customer"]["ref"] == "0000900001"
    assert found.body["customer"]["name"] == "Ada Example", "whoever packs it needs the name"
    assert found.shaped_by == "customer WEB (collective), customer 3 (steward)"


async def test_the_engine_s_tax_within_the_price_leaves_the_total() -> None:
    plan = Plan(tax=TaxSource.ENGINE)
    asks = chain(plan, quote=engine(line="3.29", shipping="0.41"))
    found = await asks.prepare(envelope(order()))
    assert isinstance(found, Shaped)
    line, shipping = found.body["lines"][0], found.body["shipping"]
    assert (line["tax"], shipping["tax"], found.body["total"]) == ("3.29", "0.41", "44.85")
    assert line["taxes"] == [{"amount": "3.29", "rate": "21"}]
    assert found.shaped_by == "tax of engine 7"
    Order.model_validate(found.body)


async def test_the_engine_s_tax_beside_the_price_goes_into_the_total() -> None:
    asks = chain(Plan(tax=TaxSource.ENGINE), quote=engine(line="8.38", shipping="1.04"))
    found = await asks.prepare(envelope(a_net_order()))
    assert isinstance(found, Shaped)
    assert found.body["total"] == "54.27"
    Order.model_validate(found.body)


async def test_a_total_that_was_not_paid_is_refused() -> None:
    tenders = [{"type": "card", "amount": "44.85"}]
    sent = envelope(order(**{**a_net_order().model_dump(mode="json"), "tenders": tenders}))
    found = await chain(
        Plan(tax=TaxSource.ENGINE), quote=engine(line="8.38", shipping="1.04")
    ).prepare(sent)
    assert isinstance(found, Refused)
    assert found.cause is Cause.TAX_DIFFERS
    assert "the total is 54.27, but 44.85 was paid" in found.detail


@pytest.mark.parametrize(("line", "goes"), [("6.95", True), ("6.96", False)])
async def test_taxes_are_compared_line_by_line(line: str, goes: bool) -> None:
    asks = chain(Plan(tax=TaxSource.COMPARED), quote=engine(line=line, shipping="0.86"))
    found = await asks.prepare(envelope(order()))
    if goes:
        assert isinstance(found, Shaped)
        assert found.body["lines"][0]["tax"] == "6.93", "the channel's is booked"
    else:
        assert isinstance(found, Refused)
        assert "line 1: 6.93 stated, 6.96 calculated" in found.detail


async def test_what_the_channel_owes_is_not_calculated() -> None:
    owed = [{"amount": "6.93", "channel_liable": True}]
    line = {**order().model_dump(mode="json")["lines"][0], "taxes": owed}
    found = await shaped(Plan(tax=TaxSource.ENGINE), envelope(order(lines=[line])))
    assert found.body["lines"][0]["tax"] == "6.93"


async def test_an_engine_nobody_hears_of_delays() -> None:
    found = await chain(Plan(tax=TaxSource.ENGINE)).prepare(envelope(order()))
    assert isinstance(found, Delayed)


async def test_a_customer_of_the_erp_is_asked_for_last_and_a_crosswalk_wins() -> None:
    asked: list[Wish] = []

    async def find_or_create(wish: Wish) -> Found:
        asked.append(wish)
        return Found("70001", "created")

    gap = table(CrosswalkKind.SKU, Crossing("", "OTHER", "1", "1"))
    plan = Plan(customer=CustomerSource.ERP)
    refused = await chain(plan, gap, find_or_create=find_or_create).prepare(envelope(order()))
    assert isinstance(refused, Refused)
    assert asked == [], "nobody is created for an order that is not sent"
    found = await chain(plan, find_or_create=find_or_create).prepare(envelope(order()))
    assert isinstance(found, Shaped)
    assert found.body["customer"]["ref"] == "70001"
    assert found.shaped_by == "customer 70001 (created)"
    both = table(CrosswalkKind.CUSTOMER, Crossing("", "C-1001", "4711", "C4711"))
    crossed = await chain(plan, both, find_or_create=find_or_create).prepare(envelope(order()))
    assert isinstance(crossed, Shaped)
    assert crossed.body["customer"]["ref"] == "4711"
    assert len(asked) == 1


def test_a_customer_s_reference_is_one_per_channel_entity_and_customer() -> None:
    wish = wish_of(envelope(order()))
    same = wish_of(envelope(order(order_ref="OTHER")))
    others = [wish._replace(channel="b"), wish._replace(legal_entity="DE01")]
    assert wish.reference == same.reference
    assert len({wish.reference, *(it.reference for it in others)}) == 3
    assert len(wish.reference) <= 35
