"""The tax rates all simulated systems apply, and how they round.

Standard and reduced rates as published for 2026: Netherlands 21 % and 9 %, Germany 19 % and 7 %.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
RATES = {
    "NL": {"standard": Decimal("0.21"), "reduced": Decimal("0.09"), "zero": Decimal(0)},
    "DE": {"standard": Decimal("0.19"), "reduced": Decimal("0.07"), "zero": Decimal(0)},
}


def rate(country: str, category: str) -> Decimal:
    """The rate as a fraction; an unknown category is taxed at the standard rate."""
    rates = RATES[country]
    return rates.get(category, rates["standard"])


def tax_within(gross: Decimal, fraction: Decimal) -> Decimal:
    """The tax that a gross amount contains, in whole cents, halves rounded up."""
    return (gross - gross / (1 + fraction)).quantize(CENT, ROUND_HALF_UP)


def tax_on(net: Decimal, fraction: Decimal) -> Decimal:
    """The tax that comes on top of a net amount, in whole cents, halves rounded up."""
    return (net * fraction).quantize(CENT, ROUND_HALF_UP)


def part(whole: Decimal, pieces: int, of: int) -> Decimal:
    """What the first so many pieces of a line make of an amount of it; all make all of it."""
    return (whole * pieces / of).quantize(CENT, ROUND_HALF_UP)
