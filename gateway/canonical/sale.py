"""Store sales: receipts of a register, in batches, keyed as every till keys them.

The natural key of a receipt is (store, business date, register, sequence): retail feeds dedupe on
exactly these four, and the business date differs from the calendar when a store trades past
midnight.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from gateway.canonical.base import Document, Instant
from gateway.canonical.money import Amount, Currency, NotNegative
from gateway.canonical.order import LINES_MAX, SalesLine, same_total, unique_lines

BATCH_MAX = 500

StoreCode = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$", examples=["NL-001"])]
"""A store's code."""


class Tender(Document):
    """How part of a receipt was paid; cash handed back is negative."""

    type: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,29}$", examples=["cash", "card"])]
    amount: Amount


class StoreSale(Document):
    """One receipt; prices include tax. Lines and tenders both add up to ``total``."""

    register_id: Annotated[str, Field(alias="register", pattern=r"^[A-Za-z0-9-]{1,10}$")]
    sequence: Annotated[int, Field(ge=1, le=999_999_999, strict=True)]
    business_date: date
    sold_at: Instant
    currency: Currency
    lines: Annotated[tuple[SalesLine, ...], Field(min_length=1, max_length=LINES_MAX)]
    tenders: Annotated[tuple[Tender, ...], Field(min_length=1, max_length=20)]
    total: NotNegative

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        unique_lines([line.line for line in self.lines])
        same_total(self.total, sum((line.amount for line in self.lines), Decimal(0)), self.currency)
        same_total(self.total, sum((t.amount for t in self.tenders), Decimal(0)), self.currency)
        return self


class StoreSaleBatch(Document):
    """A batch as a till sends it.

    Items are checked one by one, so that one bad receipt does not keep the rest of the shop's day
    waiting.
    """

    store: StoreCode
    transactions: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=BATCH_MAX)]
