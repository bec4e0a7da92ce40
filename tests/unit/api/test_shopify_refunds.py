"""Shopify's refunds at the API: what is credited, with which tax, and what is for staff."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.unmapped import why_unmapped
from tests.unit.api.test_shopify_hooks import Client, body_of, client, deliver, sent, world
from tests.unit.api.world import World
from tests.unit.channels.shopify_payloads import less, money, order, refund, row

__all__ = ["client", "world"]

pytestmark = pytest.mark.anyio


async def test_a_refund_is_credited_once_with_what_was_paid_beside_goods(
    world: World, client: Client
) -> None:
    back = refund(row(0, 1, "18.45", tax="3.38"), paid="23.40")
    await deliver(client, "refunds/create", back, number="w-1", status=503)
    await deliver(client, "orders/create", order(), number="w-2")
    assert await deliver(client, "refunds/create", back, number="w-1") == ["return"]
    again = await deliver(client, "refunds/create", back, number="w-1")
    snapshot = less(order(refunds=[back]), 0, 1, "2026-11-23T10:00:00+01:00")
    assert await deliver(client, "orders/updated", snapshot, number="w-3") == []
    assert again == ["return"]
    assert len(sent(world)) == 2
    credit = body_of(world, str(back["id"]))
    assert credit["lines"] == [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "18.45", "tax": "3.38",
         "restock": True}
    ]  # fmt: skip
    assert credit["adjustments"] == [{"reason": "paid back beside goods", "amount": "4.95"}]
    assert credit["total"] == "23.40"


SHIPPING_BACK = {"kind": "shipping_refund", "amount": "-3.00", "tax_amount": "-0.52"}


async def test_money_back_without_goods_is_a_credit_and_a_fee_lowers_one(
    world: World, client: Client
) -> None:
    await deliver(client, "orders/create", order(), number="w-0")
    alone = refund(paid="3.00", number=2) | {"order_adjustments": [SHIPPING_BACK]}
    both = refund(row(1, 1, "25.00"), paid="26.00", number=3)
    fee = refund(row(0, 1, "18.45"), paid="15.00", number=4)
    for back in (alone, both | {"order_adjustments": [SHIPPING_BACK]}, fee):
        for number in ("w-1", "w-2"):
            name = f"{number}-{back['id']}"
            assert await deliver(client, "refunds/create", back, number=name) == ["return"]
    assert len(sent(world)) == 4
    credit = body_of(world, f"{alone['id']}-rest")
    assert (credit["shipping"], credit["total"], credit.get("lines")) == ("3.00", "3.00", None)
    assert credit["shipping_tax"] == "0.52"
    # The shop says 3.00 of shipping, and only 1.00 more than the goods was paid.
    credit = body_of(world, str(both["id"]))
    assert (credit["shipping"], credit.get("shipping_tax")) == ("1.00", None)
    credit = body_of(world, str(fee["id"]))
    assert credit["adjustments"][0]["amount"] == "-3.45"
    assert credit["total"] == "15.00"


def shipping_line(subtotal: str, tax: str | None) -> dict[str, Any]:
    stated = {} if tax is None else {"tax_amount_set": money(tax)}
    return {"id": 1, "subtotal_amount_set": money(subtotal), **stated}


@pytest.mark.parametrize(
    ("included", "lines", "refund_", "shipping", "paid"),
    [
        (True, ("18.45", "3.38"), ("18.45", "3.38"), ("4.95", "0.86"), "23.40"),
        (False, ("18.45", "3.38"), ("21.83", "3.38"), ("5.81", "0.86"), "27.64"),
        (True, ("18.45", None), ("18.45", None), ("4.95", None), "23.40"),
    ],
    ids=["within prices", "beside prices", "not stated"],
)
async def test_the_tax_of_a_refund_is_what_the_shop_states_of_it(
    world: World, client: Client, included: bool, lines: tuple[str, str | None],
    refund_: tuple[str, str | None], shipping: tuple[str, str | None], paid: str,
) -> None:  # fmt: skip
    total = {"total_price": "66.85" if included else "74.46"}
    await deliver(client, "orders/create", order(taxes_included=included, **total), number="w-0")
    back = refund(row(0, 1, lines[0]), paid=paid)
    back["refund_line_items"][0]["total_tax"] = lines[1]
    back["refund_shipping_lines"] = [shipping_line("4.95", shipping[1])]
    assert await deliver(client, "refunds/create", back, number="w-1") == ["return"]
    credit = body_of(world, str(back["id"]))
    [line] = credit["lines"]
    assert (line["refund"], line.get("tax")) == refund_
    assert (credit["shipping"], credit.get("shipping_tax")) == shipping
    assert (credit["total"], credit.get("adjustments")) == (paid, None)


async def test_a_refund_of_more_tax_than_was_charged_is_for_staff(
    world: World, client: Client
) -> None:
    await deliver(client, "orders/create", order(), number="w-0")
    back = refund(row(0, 2, "36.90", tax="6.76"), paid="36.90")
    for number in ("w-1", "w-2"):
        assert await deliver(client, "refunds/create", back, number=number) == ["exception"]
    said = why_unmapped(body_of(world, str(back["id"])))
    assert said.startswith("/lines/0/tax: gives 6.76 of tax back, and 6.75 was charged")


async def test_a_fee_kept_of_pieces_that_were_never_sent_is_for_staff(
    world: World, client: Client
) -> None:
    await deliver(client, "orders/create", order(), number="w-0")
    back = refund(row(0, 1, "18.45", "cancel"), paid="15.00", number=5)
    snapshot = less(order(refunds=[back]), 0, 1, "2026-11-23T10:00:00+01:00")
    assert await deliver(client, "orders/updated", snapshot, number="w-3") == [
        "cancellation", "exception",
    ]  # fmt: skip
    assert "3.45 EUR less" in why_unmapped(body_of(world, f"{back['id']}-rest"))
