"""Store sales: receipts of a register, in batches, keyed as every till keys them.

The natural key of a receipt is (store, business date, register, sequence): retail feeds dedupe on
exactly these four, and the business date differs from the calendar when a store trades past
midnight. A register counts whatever it does: a number without a sale is a *mark*.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from gateway.canonical.base import Document, Instant, Quantity, ShortText, Sku, matching
from gateway.canonical.breakdown import TenderType
from gateway.canonical.money import Amount, Currency, NotNegative
from gateway.canonical.order import LINES_MAX, LineNumber, SalesLine, same_total, unique_lines

BATCH_MAX = 500

StoreCode = Annotated[
    str,
    matching(
        r"^[A-Z0-9][A-Z0-9-]{0,19}$",
        "1 to 20 capital letters, digits and -, beginning with a letter or digit",
        examples=["NL-001"],
    ),
]
"""A store's code."""

RegisterId = Annotated[
    str, matching(r"^[A-Za-z0-9-]{1,10}$", "1 to 10 letters, digits and -", alias="register")
]
Sequence = Annotated[int, Field(ge=1, le=999_999_999, strict=True)]


class Tender(Document):
    """How part of a receipt was paid; cash handed back is negative, as is a refund."""

    type: TenderType
    amount: Amount


class SoldOn(Document):
    """The receipt that goods were sold on, and the line of it if that is known."""

    store: StoreCode
    business_date: date
    register_id: RegisterId
    sequence: Sequence
    line: LineNumber | None = None


class SaleReturn(Document):
    """Pieces that came back over the counter; amounts are what is given back, never negative.

    Without ``sold_on`` they came back without their receipt. Goods of an order that was placed
    elsewhere are no part of a receipt: they come back by a return of that order.
    """

    line: LineNumber
    sku: Sku
    quantity: Quantity
    unit_price: NotNegative
    discount: NotNegative = Decimal(0)
    tax: NotNegative = Decimal(0)
    reason: ShortText = ""
    sold_on: SoldOn | None = None

    @property
    def amount(self) -> Decimal:
        """What is given back, with or without tax as the receipt says."""
        return self.quantity * self.unit_price - self.discount


class StoreSale(Document):
    """One receipt: what was sold less what came back is ``total``, below zero if money went out.

    ``tenders`` add up to ``total`` + ``cash_rounding``. Prices include tax unless
    ``tax_included`` says otherwise; then the tax of the lines is in ``total`` as well.
    """

    register_id: RegisterId
    sequence: Sequence
    business_date: date
    sold_at: Instant
    currency: Currency
    tax_included: StrictBool = True
    lines: Annotated[tuple[SalesLine, ...], Field(max_length=LINES_MAX)] = ()
    returns: Annotated[tuple[SaleReturn, ...], Field(max_length=LINES_MAX)] = ()
    tenders: Annotated[tuple[Tender, ...], Field(max_length=20)] = ()
    cash_rounding: Amount = Decimal(0)
    total: Amount

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not self.lines and not self.returns:
            message = "neither sells nor takes back anything; send a void, or give lines"
            raise PydanticCustomError("value_error", message)
        unique_lines([*(it.line for it in self.lines), *(it.line for it in self.returns)])
        sold = sum((line.amount for line in self.lines), Decimal(0))
        sold -= sum((line.amount for line in self.returns), Decimal(0))
        if not self.tax_included:
            sold += self.tax
        same_total(self.total, sold, self.currency)
        paid = sum((tender.amount for tender in self.tenders), -self.cash_rounding)
        same_total(self.total, paid, self.currency)
        return self

    @property
    def tax(self) -> Decimal:
        """The tax of what was sold less that of what came back."""
        sold = sum((line.tax for line in self.lines), Decimal(0))
        return sold - sum((line.tax for line in self.returns), Decimal(0))


class Mark(Document):
    """A number that a register used for no sale: nothing is booked, and it is no gap.

    A ``void`` is a receipt given up before it was paid, a ``control`` all else that counts: a till
    opened, a training. ``closes_day`` says that the store's business day has ended: what of it
    arrives after that is late.
    """

    kind: Literal["void", "control"]
    register_id: RegisterId
    sequence: Sequence
    business_date: date
    sold_at: Instant
    closes_day: StrictBool = False

    @model_validator(mode="after")
    def _only_controls_close(self) -> Self:
        if self.closes_day and self.kind == "void":
            raise PydanticCustomError("value_error", "a void closes no day; send a control")
        return self


class StoreSaleBatch(Document):
    """A batch as a till sends it.

    Items are checked one by one, so that one bad receipt does not keep the rest of the shop's day
    waiting. An item with a ``kind`` is a mark, every other a receipt.
    """

    store: StoreCode
    transactions: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=BATCH_MAX)]
