"""Journals: what is posted to accounts. Each balances, and each line says what it is made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.canonical.base import PRINTABLE, Document, EntityCode, Reference, Text, matching
from gateway.canonical.money import Currency, NotNegative, fits_minor_unit
from gateway.canonical.order import LINES_MAX

Account = Annotated[
    str,
    matching(
        r"^[A-Z0-9][A-Z0-9.-]{0,19}$",
        "1 to 20 capital letters, digits, . and -, beginning with a letter or digit",
        examples=["8000"],
    ),
]


class JournalLine(Document):
    """One posting; exactly one of ``debit`` and ``credit`` is above zero.

    ``details`` are what the amount adds up: transaction ids, settlement rows.
    """

    account: Account
    text: Text
    debit: NotNegative = Decimal(0)
    credit: NotNegative = Decimal(0)
    details: Annotated[
        tuple[Annotated[str, Field(max_length=80, pattern=PRINTABLE)], ...],
        Field(max_length=100_000),
    ] = ()

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if bool(self.debit) == bool(self.credit):
            message = "account {account}: give debit or credit above 0, and not both"
            raise PydanticCustomError("one_side", message, {"account": self.account})
        return self


class Journal(Document):
    """A journal of one entity, in one currency, on one date: debits equal credits."""

    journal_ref: Reference
    legal_entity: EntityCode
    posting_date: date
    currency: Currency
    lines: Annotated[tuple[JournalLine, ...], Field(min_length=2, max_length=LINES_MAX)]

    @model_validator(mode="after")
    def _balances(self) -> Self:
        debit = sum((line.debit for line in self.lines), Decimal(0))
        credit = sum((line.credit for line in self.lines), Decimal(0))
        if debit != credit:
            message = "debits {debit} {currency} and credits {credit} differ by {difference}"
            context = {"debit": str(debit), "credit": str(credit), "currency": self.currency,
                       "difference": str(debit - credit)}  # fmt: skip
            raise PydanticCustomError("unbalanced", message, context)
        for line in self.lines:
            amount = line.debit or line.credit
            if not fits_minor_unit(amount, self.currency):
                message = "account {account}: {amount} has more places than {currency} has"
                context = {"account": line.account, "amount": str(amount),
                           "currency": self.currency}  # fmt: skip
                raise PydanticCustomError("minor_unit", message, context)
        return self
