"""Refunds: money given back. Goods coming back are a return; either happens without the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StrictBool, model_validator

from gateway.canonical.base import (
    Document,
    EntityCode,
    Instant,
    Reference,
    ShortText,
    Sku,
)
from gateway.canonical.breakdown import PARTS_MAX, OrderTender, RefundAdjustment, parts_add_up
from gateway.canonical.money import Amount, Currency, NotNegative
from gateway.canonical.order import LINES_MAX, LineNumber, same_total, tax_within, unique_lines


class RefundedLine(Document):
    """What is given back for a line, tax included; ``quantity`` 0 is a price allowance.

    ``tax`` is what of the amount is tax. Without it, it is the line's share of its order's tax.
    """

    line: LineNumber
    sku: Sku
    quantity: Annotated[int, Field(ge=0, le=100_000, strict=True)]
    amount: NotNegative
    tax: NotNegative | None = None
    restock: StrictBool = False

    @model_validator(mode="after")
    def _tax_is_part(self) -> Self:
        tax_within("amount", self.amount, self.tax)
        return self


class Refund(Document):
    """Money given back for an order. Lines + shipping + adjustments equal ``total``, exactly.

    ``return_ref`` is the return it is for, if goods came back; a refund may come before them.
    """

    refund_ref: Reference
    order_ref: Reference
    order_channel: ShortText = ""
    return_ref: Reference | None = None
    legal_entity: EntityCode
    refunded_at: Instant
    currency: Currency
    lines: Annotated[tuple[RefundedLine, ...], Field(max_length=LINES_MAX)] = ()
    shipping: NotNegative = Decimal(0)
    adjustments: Annotated[tuple[RefundAdjustment, ...], Field(max_length=PARTS_MAX)] = ()
    tenders: Annotated[tuple[OrderTender, ...], Field(max_length=PARTS_MAX)] = ()
    cash_rounding: Amount = Decimal(0)
    total: NotNegative

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        unique_lines([line.line for line in self.lines])
        expected = sum((line.amount for line in self.lines), self.shipping)
        expected = sum((each.amount for each in self.adjustments), expected)
        same_total(self.total, expected, self.currency)
        parts_add_up("total", self.total + self.cash_rounding, self.tenders)
        return self
