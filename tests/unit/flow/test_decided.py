"""What the order chain decided of an order is shown to staff, and no word of it to its channel."""

from __future__ import annotations

import json
from typing import cast

import msgspec
import pytest

from gateway.api import views
from gateway.canonical.breakdown import TaxPart
from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.canonical.outcome import Booked
from gateway.canonical.taxation import TaxQuestion, TaxQuoted
from gateway.chain.erp import MappedErp
from gateway.chain.plan import CustomerSource, Plan, TaxSource
from gateway.chain.run import Chain
from gateway.clock import SystemClock
from gateway.commands import exceptions_view
from gateway.flow import readout
from gateway.flow.status import Statuses
from tests.unit.chain.test_steps import Known, table
from tests.unit.flow.doubles import ScriptedErp, StillClock
from tests.unit.flow.staffroom import OPERATOR, Staffroom, order_body
from tests.unit.flow.test_deliver import LEGACY, Desk
from tests.valkey import entry

pytestmark = pytest.mark.anyio

PLAN = Plan(
    payment_waits=frozenset({"pending"}),
    node="DC1",
    fees={"gift-wrap": "FEE-WRAP"},
    tax=TaxSource.ENGINE,
    customer=CustomerSource.COLLECTIVE,
    collective="WEB",
)
TABLES = table(
    CrosswalkKind.SKU,
    Crossing("", "TEE-BLK-M", "1000017", "TEE"),
    Crossing("", "FEE-WRAP", "1000099", "WRAP"),
)
DECIDED = (
    "payment paid", "location DC1", "fees gift-wrap=FEE-WRAP", "tax of engine 7",
    "customer WEB (collective)", "sku 3 (steward)",
)  # fmt: skip
FEE = {"line": 2, "sku": "gift-wrap", "kind": "fee", "quantity": 1, "unit_price": "2.00"}


async def engine(asked: TaxQuestion) -> TaxQuoted:
    """An engine that taxes every line."""
    part = TaxPart.model_validate({"amount": "0.35", "rate": "21"})
    return TaxQuoted({it.line: (part,) for it in asked.lines}, "engine 7")


async def test_each_step_s_decision_is_shown_to_staff_and_none_to_the_channel(
    room: Staffroom, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = Chain(LEGACY, Known(TABLES), {("webshop", ""): PLAN}, quote=engine)
    mapped = MappedErp(room.erp, Known(TABLES), SystemClock(), chain)
    room.worker = Desk(room.buffer, cast("ScriptedErp", mapped))
    body = order_body()
    body |= {"lines": [*body["lines"], FEE], "total": "21.95"}
    one = entry("A-1", body=body)
    await room.buffer.intake.accept(one)
    room.erp.sends = [Booked("D-4711")]
    await room.spend(one)
    await room.project(one)

    shown = readout.shown(await room.exceptions.show(OPERATOR, one.transaction_id))
    (attempt,) = [it for it in shown["history"] if it["event"] == "attempted"]
    exceptions_view.shown(shown)
    printed = capsys.readouterr().out
    for words in DECIDED:
        assert words in shown["shaped_by"]
        assert words in attempt["shaped_by"]
        assert words in printed

    statuses = Statuses(room.buffer.intake, room.ledger, StillClock())
    view = await statuses.transaction(one.transaction_id)
    assert view is not None
    told = msgspec.json.encode(views.transaction(view)).decode()
    views.Transaction.model_validate(json.loads(told))
    assert '"booked"' in told
    for secret in ("D-4711", "legacy", *DECIDED, "DC1", "FEE-WRAP", "engine", "WEB", "steward"):
        assert secret not in told
