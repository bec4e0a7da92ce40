"""How much of what is given back is tax, where nobody says: the share of the order's own tax.

The rule: a line's credits give back, all together, the part of its tax that they are of its price;
each gives back what is missing to that, in whole minor units, halves rounded up. So whoever gets
all of a line's money back, in however many pieces, gets exactly its tax back, and never more. What
a channel states stays as stated, and counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from gateway.canonical.money import MINOR_DIGITS
from gateway.canonical.order import Order, Return

_ZERO = Decimal(0)


@dataclass(slots=True)
class Account:
    """What was charged (``gross`` includes ``tax``), and what of it was given back so far."""

    gross: Decimal
    tax: Decimal
    digits: int = 2
    back: Decimal = _ZERO
    tax_back: Decimal = _ZERO

    def give(self, amount: Decimal, stated: Decimal | None = None) -> Decimal:
        """Give an amount back, tax included; return the tax of it: the stated one, or the share."""
        tax = self._share(amount) if stated is None else stated
        self.back += amount
        self.tax_back += tax
        return tax

    def _share(self, amount: Decimal) -> Decimal:
        if not self.gross:
            return _ZERO
        part = min(self.back + amount, self.gross)
        unit = Decimal(1).scaleb(-self.digits)
        due = (self.tax * part / self.gross).quantize(unit, ROUND_HALF_UP)
        return min(max(due - self.tax_back, _ZERO), amount)


def is_taxed(credit: Return) -> bool:
    """Say whether a credit states the tax of all it gives back."""
    lines = all(line.tax is not None for line in credit.lines)
    return lines and (not credit.shipping or credit.shipping_tax is not None)


def taxed(order: Order, before: Iterable[Return], credit: Return) -> Return:
    """Return a credit with the tax of all it gives back; ``before`` were booked, in that order.

    A line that the order does not have stays without: whoever books it has to know.
    """
    lines, shipping = _accounts(order)
    for earlier in before:
        _given(lines, shipping, earlier)
    return _given(lines, shipping, credit)


def _accounts(order: Order) -> tuple[dict[int, Account], Account]:
    digits = MINOR_DIGITS.get(order.currency, 2)

    def account(amount: Decimal, tax: Decimal) -> Account:
        return Account(amount if order.tax_included else amount + tax, tax, digits)

    lines = {line.line: account(line.amount, line.tax) for line in order.lines}
    return lines, account(order.shipping.amount, order.shipping.tax)


def _given(lines: dict[int, Account], shipping: Account, credit: Return) -> Return:
    made = tuple(
        line.model_copy(update={"tax": lines[line.line].give(line.refund, line.tax)})
        if line.line in lines
        else line
        for line in credit.lines
    )
    beside = shipping.give(credit.shipping, credit.shipping_tax)
    return credit.model_copy(update={"lines": made, "shipping_tax": beside})
