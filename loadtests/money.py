"""Money of the fixtures: decimals with two places, rounded half up as tills do."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round to two places, half up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def tax_within(amount: Decimal, rate_percent: Decimal) -> Decimal:
    """The tax contained in a tax-included ``amount``: 21 % within 121.00 is 21.00."""
    return cents(amount * rate_percent / (100 + rate_percent))


def percent_of(amount: Decimal, percent: int) -> Decimal:
    """``percent`` per cent of ``amount``, rounded to the cent."""
    return cents(amount * percent / 100)


def share_of(amount: Decimal, pieces: int, quantity: int) -> Decimal:
    """What ``pieces`` of a line of ``quantity`` pieces cost; all pieces cost ``amount`` exactly."""
    return cents(amount * pieces / quantity)


def tax_of(refund: Decimal, amount: Decimal, tax: Decimal) -> Decimal:
    """The tax of the first ``refund`` of a tax-included ``amount``: its part of the ``tax``."""
    return cents(tax * refund / amount) if amount else Decimal(0)


def text(amount: Decimal) -> str:
    """As it travels in JSON: ``19.95``."""
    return str(cents(amount))
