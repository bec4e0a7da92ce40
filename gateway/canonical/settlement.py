"""Settlements: what a marketplace paid out, component by component.

A settlement has a row for every component of every amount: the price of an order line, its tax,
the commission on it. Two rows that are equal in every field are two components, so nothing is ever
told apart by content: a row is named by its settlement and its ordinal.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, NamedTuple

from gateway.canonical.base import Document, Instant, matching
from gateway.canonical.money import Currency

SettlementId = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        "1 to 64 letters, digits and . _ -, beginning with a letter or digit",
    ),
]


class Settlement(Document):
    """The statement's head. ``total`` is what was, or will be, deposited; negative is owed."""

    provider: str
    settlement_id: SettlementId
    starts_at: Instant
    ends_at: Instant
    deposited_at: Instant | None
    currency: Currency
    total: Decimal


class SettlementRow(NamedTuple):
    """One component, as stated: positive credits the seller, negative debits.

    ``ordinal`` counts the rows of the settlement from 1, ``line`` the lines of the file. Empty
    text is what the file leaves blank. ``extra`` holds columns nobody knows yet, as (name, value).
    """

    ordinal: int
    line: int
    transaction_type: str
    order_id: str
    merchant_order_id: str
    adjustment_id: str
    shipment_id: str
    marketplace: str
    amount_type: str
    amount_description: str
    amount: Decimal
    fulfillment_id: str
    posted_on: date | None
    posted_at: datetime | None
    order_item_code: str
    merchant_order_item_id: str
    merchant_adjustment_item_id: str
    sku: str
    quantity: int | None
    promotion_id: str
    extra: tuple[tuple[str, str], ...]


class Component(NamedTuple):
    """What a row is about: transaction type, amount type, description. The vocabulary is open."""

    transaction_type: str
    amount_type: str
    amount_description: str
