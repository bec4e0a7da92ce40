"""Money that goes out, in every dialect: over the counter, and beside goods that come back."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from gateway.canonical.outcome import Booked
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, new_order, only, send
from tests.unit.erp.envelopes import envelope, returned, sale

pytestmark = pytest.mark.anyio

_NUMBERS = count(1)
BACK = {"line": 2, "sku": "TEE-BLK-M", "quantity": 2, "unit_price": "19.95", "discount": "0.10",
        "tax": "6.91"}  # fmt: skip
MONEY: list[dict[str, Any]] = [
    {"shipping": "4.95", "total": "14.95"},
    {"adjustments": [{"reason": "restocking", "amount": "-2.50"}], "total": "7.50"},
    {"lines": [], "shipping": "4.95", "total": "4.95"},
    {"lines": [], "adjustments": [{"reason": "goodwill", "amount": "5.00"}], "total": "5.00"},
    {"shipping": "4.95", "total": "12.45",
     "adjustments": [{"reason": "kept", "amount": "-3.00"}, {"reason": "sorry", "amount": "0.50"}]},
]  # fmt: skip


@pytest.mark.parametrize("changes", MONEY)
async def test_money_beside_goods_is_credited_to_the_cent(
    changes: dict[str, Any], erp: Erp, simulator: Simulator
) -> None:
    bought = new_order()
    await send(erp, bought)
    sent = envelope(returned(order_ref=bought.body["order_ref"], **changes))
    outcome = await send(erp, sent)
    assert isinstance(outcome, Booked), outcome
    document = only(simulator.booked(sent))
    assert (document["kind"], document["total"]) == ("return", changes["total"])


@pytest.mark.parametrize(
    ("changes", "quantities", "total"),
    [
        ({"returns": [BACK], "total": "-21.85",
          "tenders": [{"type": "cash", "amount": "-21.85"}]}, {1: "1", 2: "-2"}, "-21.85"),
        ({"lines": [], "returns": [BACK], "total": "-39.80", "cash_rounding": "0.10",
          "tenders": [{"type": "cash", "amount": "-39.70"}]}, {2: "-2"}, "-39.80"),
        ({"total": "17.95", "cash_rounding": "0.05",
          "tenders": [{"type": "cash", "amount": "18.00"}]}, {1: "1"}, "17.95"),
        ({"total": "21.07", "tax_included": False,
          "tenders": [{"type": "card", "amount": "21.07"}]}, {1: "1"}, "21.07"),
        ({"returns": [BACK], "total": "-25.64", "tax_included": False,
          "tenders": [{"type": "card", "amount": "-25.64"}]}, {1: "1", 2: "-2"}, "-25.64"),
    ],
    ids=["more back than sold", "rounded return", "rounded sale", "tax beside", "back, tax beside"],
)  # fmt: skip
async def test_a_receipt_is_booked_whichever_way_its_goods_went(
    changes: dict[str, Any], quantities: dict[int, str], total: str,
    erp: Erp, simulator: Simulator,
) -> None:  # fmt: skip
    sent = envelope(sale(register="8", sequence=next(_NUMBERS), **changes), channel="pos")
    outcome = await send(erp, sent)
    assert isinstance(outcome, Booked), outcome
    document = only(simulator.booked(sent))
    assert (document["kind"], document["total"]) == ("store_sale", total)
    assert {it["line"]: it["quantity"] for it in document["lines"]} == quantities
    assert isinstance(await erp.probe(sent), Booked), "it is found again, wherever it is"


TAXED: list[dict[str, Any]] = [
    {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "19.95", "tax": "3.46"},
    {"line": 2, "sku": "CAP-NVY-ONE", "quantity": 3, "refund": "10.00", "tax": "0.83"},
    {"line": 3, "sku": "TEE-BLK-M", "quantity": 1, "refund": "5.00", "tax": "0.00"},
]


async def test_the_tax_of_a_credit_is_booked_line_by_line(erp: Erp, simulator: Simulator) -> None:
    bought = new_order()
    await send(erp, bought)
    back = returned(
        order_ref=bought.body["order_ref"], lines=TAXED, shipping="4.95", shipping_tax="0.86",
        total="39.90",
    )  # fmt: skip
    sent = envelope(back)
    assert isinstance(await send(erp, sent), Booked)
    document = only(simulator.booked(sent))
    assert {it["line"]: it["tax"] for it in document["lines"]} == {
        1: "3.46", 2: "0.83", 3: "0.00"
    }  # fmt: skip
    assert (document["told_tax"], document["tax"]) == ("5.15", "0.00"), "all of it in the prices"
    sold = only(simulator.booked(bought))
    assert [it["tax"] for it in sold["lines"]] == ["6.93"]


async def test_the_tax_of_a_receipt_is_booked_line_by_line(erp: Erp, simulator: Simulator) -> None:
    """What came back takes its tax back, in an invoice and in a credit memo."""
    for total, tax in (("-21.85", "6.91"), ("-21.85", "6.90")):
        back = BACK | {"tax": tax}
        body = sale(register="9", sequence=next(_NUMBERS), returns=[back], total=total,
                    tenders=[{"type": "card", "amount": total}])  # fmt: skip
        sent = envelope(body, channel="pos")
        assert isinstance(await send(erp, sent), Booked)
        document = only(simulator.booked(sent))
        assert {it["line"]: it["tax"] for it in document["lines"]} == {1: "3.12", 2: f"-{tax}"}


async def test_a_credit_nobody_knows_the_tax_of_is_left_to_the_erp(
    erp: Erp, simulator: Simulator
) -> None:
    bought = new_order()
    await send(erp, bought)
    sent = envelope(returned(order_ref=bought.body["order_ref"]))
    assert isinstance(await send(erp, sent), Booked)
    assert only(simulator.booked(sent))["told_tax"] == "0.00"
