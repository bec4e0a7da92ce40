"""Refunds: what pieces of an order are worth, and the resource that says they were paid back."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from simulators.shopify.money import ZERO, text
from simulators.shopify.orders import LOCATION_ID, Order, amount, money_of
from simulators.taxes import CENT, part

RESTOCK_TYPES = ("no_restock", "cancel", "return", "legacy_restock")
_RESTOCKED = ("cancel", "return")


class ShopError(ValueError):
    """What the shop will not do; the message is what its API says."""


@dataclass(frozen=True, slots=True)
class Payback:
    """What is to be paid back: lines (id, quantity), an amount of shipping, and why."""

    lines: Sequence[tuple[int, int]]
    shipping: Decimal = ZERO
    restock_type: str = "no_restock"
    note: str | None = None


def refund(order: Order, wanted: Payback, refund_id: int, now: str) -> Order:
    """Lower what is left of the order and return the refund's resource. Raises `ShopError`."""
    for line_id, quantity in wanted.lines:
        if not 0 < quantity <= line_of(order, line_id)["current_quantity"]:
            raise ShopError("Refund line items quantity cannot refund more than remaining")
    money = money_of(order)
    rows = [
        _row(order, line_id, quantity, wanted.restock_type, refund_id * 100 + index)
        for index, (line_id, quantity) in enumerate(wanted.lines)
    ]
    paid = sum((Decimal(row["subtotal"]) for row in rows), wanted.shipping)
    shipping_tax = take_off_shipping(order, wanted.shipping) if wanted.shipping else ZERO
    if not order["taxes_included"]:
        paid += sum((Decimal(row["total_tax"]) for row in rows), shipping_tax)
    return {
        "id": refund_id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}",
        "created_at": now,
        "processed_at": now,
        "note": wanted.note,
        "order_id": order["id"],
        "restock": wanted.restock_type in _RESTOCKED,
        "user_id": None,
        "total_additional_fees_set": money.both(ZERO),
        "total_duties_set": money.both(ZERO),
        "refund_line_items": rows,
        # Since 2024-10 shipping that is given back is no adjustment any more.
        "refund_shipping_lines": _shipping_lines(order, refund_id, wanted.shipping, shipping_tax),
        "order_adjustments": [],
        "transactions": [_payment(order, refund_id, paid, now)],
        "duties": [],
        "additional_fees": [],
    }


def take_off(order: Order, line: Order, quantity: int) -> tuple[Decimal, Decimal]:
    """Lower a line and the order's current amounts; return what that is worth, and its tax.

    The line's amount after discount and its tax are shared by piece; the last piece takes the
    rest, so that everything taken off adds up to the line.
    """
    before = line["current_quantity"]
    discount = sum((Decimal(it["amount"]) for it in line["discount_allocations"]), ZERO)
    goods = Decimal(line["price"]) * line["quantity"] - discount
    taxes = sum((Decimal(it["price"]) for it in line["tax_lines"]), ZERO)
    worth, tax = (
        part(whole, before, line["quantity"]) - part(whole, before - quantity, line["quantity"])
        for whole in (goods, taxes)
    )
    line["current_quantity"] = before - quantity
    line["fulfillable_quantity"] = max(0, line["fulfillable_quantity"] - quantity)
    _lower(order, "current_subtotal_price", worth)
    _lower(order, "current_total_price", worth if order["taxes_included"] else worth + tax)
    _lower(order, "current_total_tax", tax)
    return worth, tax


def take_off_shipping(order: Order, less: Decimal) -> Decimal:
    """Lower what is left of the shipping and the order's current amounts; return the tax of it."""
    charged = Decimal(order["total_shipping_price_set"]["shop_money"]["amount"])
    before = shipping_left(order)
    lines = order["shipping_lines"]
    taxes = sum((Decimal(it["price"]) for line in lines for it in line["tax_lines"]), ZERO)
    cents, left = int(charged / CENT), before - less
    tax = part(taxes, int(before / CENT), cents) - part(taxes, int(left / CENT), cents)
    order["current_shipping_price_set"] = money_of(order).both(left)
    _lower(order, "current_total_price", less if order["taxes_included"] else less + tax)
    _lower(order, "current_total_tax", tax)
    return tax


def line_of(order: Order, line_id: int) -> Order:
    """Return a line of the order. Raises `ShopError`."""
    for line in order["line_items"]:
        if line["id"] == line_id:
            return cast("Order", line)
    raise ShopError(f"Line item {line_id} is not part of order {order['id']}")


def shipping_left(order: Order) -> Decimal:
    """Shipping that was not paid back yet."""
    return Decimal(order["current_shipping_price_set"]["shop_money"]["amount"])


def _lower(order: Order, name: str, less: Decimal) -> None:
    amount(order, name, Decimal(order[name]) - less, money_of(order))


def _row(order: Order, line_id: int, quantity: int, restock_type: str, row_id: int) -> Order:
    line, money = line_of(order, line_id), money_of(order)
    subtotal, tax = take_off(order, line, quantity)
    return {
        "id": row_id,
        "line_item_id": line_id,
        "location_id": LOCATION_ID if restock_type in _RESTOCKED else None,
        "quantity": quantity,
        "restock_type": restock_type,
        "subtotal": text(subtotal),
        "subtotal_set": money.both(subtotal),
        "total_tax": text(tax),
        "total_tax_set": money.both(tax),
        "line_item": copy.deepcopy(line),
    }


def _payment(order: Order, refund_id: int, total: Decimal, now: str) -> Order:
    return {
        "id": refund_id * 10 + 1,
        "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{refund_id * 10 + 1}",
        "order_id": order["id"],
        "kind": "refund",
        "status": "success",
        "gateway": order["payment_gateway_names"][0],
        "amount": text(total),
        "currency": order["currency"],
        "created_at": now,
        "processed_at": now,
        "parent_id": order["id"] * 10,
        "test": False,
    }


def _shipping_lines(order: Order, refund_id: int, shipping: Decimal, tax: Decimal) -> list[Order]:
    if not shipping:
        return []
    money = money_of(order)
    return [
        {
            "id": refund_id * 10 + 2,
            "shipping_line_id": order["shipping_lines"][0]["id"],
            "subtotal_amount_set": money.both(shipping),
            "tax_amount_set": money.both(tax),
        }
    ]
