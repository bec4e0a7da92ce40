"""The tax of a credit as it leaves: the channel's word, else the share of its order's tax."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.breakdown import TaxPart
from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.order import Return
from gateway.canonical.outcome import Delayed
from gateway.canonical.process import Target
from gateway.canonical.taxation import SHIPPING, TaxQuestion, TaxQuoted
from gateway.chain.credit import Credited
from gateway.chain.plan import Plan, TaxSource
from gateway.chain.run import Chain
from tests.unit.chain.test_steps import Known
from tests.unit.erp.envelopes import envelope, order, returned

pytestmark = pytest.mark.anyio

LINE = {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "19.95"}
SOLD = envelope(order())


def a_credit(**changes: Any) -> Return:
    return returned(**({"lines": [LINE], "total": "19.95"} | changes))


class History:
    """Says what was credited, and counts who asks."""

    def __init__(self, *before: Return, sold: Envelope | None = SOLD) -> None:
        self.found: Credited | Delayed = Credited(sold, before)
        self.asked = 0

    async def of(self, _: Envelope) -> Credited | Delayed:
        self.asked += 1
        return self.found


async def engine(asked: TaxQuestion) -> TaxQuoted:
    """Takes 8.00 of each line, whatever it is."""
    lines = {line.line: (TaxPart.model_validate({"amount": "8.00"}),) for line in asked.lines}
    return TaxQuoted(lines | {SHIPPING: (TaxPart.model_validate({"amount": "1.00"}),)}, "engine 1")


async def prepared(body: Return, history: History, plan: Plan | None = None) -> Shaped | Delayed:
    plans = {} if plan is None else {("webshop", ""): plan}
    chain = Chain(Target.LEGACY, Known(), plans, quote=engine, history=history.of)
    made = await chain.prepare(envelope(body))
    assert isinstance(made, Shaped | Delayed)
    return made


async def tax_of(body: Return, history: History, plan: Plan | None = None) -> str | None:
    made = await prepared(body, history, plan)
    assert isinstance(made, Shaped)
    tax: str | None = Return.model_validate(made.body).model_dump(mode="json")["lines"][0]["tax"]
    return tax


async def test_a_credit_without_tax_gets_its_share_and_says_so() -> None:
    made = await prepared(a_credit(), History())
    assert isinstance(made, Shaped)
    assert made.body["lines"][0]["tax"] == "3.47"
    assert made.shaped_by == "tax of its order, by share"
    assert await tax_of(a_credit(), History(a_credit())) == "3.46"


async def test_stated_tax_is_left_and_nobody_is_asked() -> None:
    history = History()
    stated = a_credit(lines=[LINE | {"tax": "3.46"}])
    assert await tax_of(stated, history) == "3.46"
    assert history.asked == 0


async def test_an_order_from_before_the_gateway_leaves_its_tax_to_the_erp() -> None:
    made = await prepared(a_credit(), History(sold=None))
    assert isinstance(made, Shaped)
    assert (made.body["lines"][0]["tax"], made.shaped_by) == (None, "")


async def test_what_cannot_be_read_now_is_waited_for() -> None:
    history = History()
    history.found = Delayed("the ledger is away")
    assert await prepared(a_credit(), history) == Delayed("the ledger is away")


async def test_the_engine_s_tax_is_given_back_where_the_engine_s_was_booked() -> None:
    plan = Plan(tax=TaxSource.ENGINE)
    stated = a_credit(lines=[LINE | {"tax": "3.46"}])
    assert await tax_of(stated, History(), plan) == "4.00"
    assert await tax_of(stated, History(stated), plan) == "4.00"
    made = await prepared(stated, History(), plan)
    assert isinstance(made, Shaped)
    assert made.shaped_by == "tax of engine 1, by share"
    compared = Plan(tax=TaxSource.COMPARED)
    assert await tax_of(stated, History(), compared) == "3.46"


async def test_the_channel_s_tax_is_given_back_where_the_channel_owes_it() -> None:
    line = {"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "unit_price": "19.95", "tax": "6.93",
            "taxes": [{"amount": "6.93", "channel_liable": True}]}  # fmt: skip
    sold = envelope(order(lines=[line]))
    stated = a_credit(lines=[LINE | {"tax": "3.46"}])
    assert await tax_of(stated, History(sold=sold), Plan(tax=TaxSource.ENGINE)) == "3.46"


async def test_a_body_nobody_can_read_is_left_to_the_dialect() -> None:
    broken = envelope(a_credit()).model_copy(update={"body": {"legal_entity": "NL01"}})
    chain = Chain(Target.LEGACY, Known(), history=History().of)
    made = await chain.prepare(broken)
    assert isinstance(made, Shaped)
    assert made.body == broken.body
