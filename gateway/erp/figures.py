"""Figures and codes between two ERPs and the canonical model: exact, and the same from both."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from gateway.canonical.money import MINOR_DIGITS, fits_minor_unit, plain


class BadAnswer(ValueError):
    """An ERP's answer cannot be understood; the message says what of it."""


#: What ERPs call a unit -> the canonical code. SAP keeps German codes inside (ST = Stück, PAA =
#: Paar), shows English and ISO ones outside; Business Central companies choose their own.
UNITS: Final[dict[str, str]] = {
    "EA": "EA", "EACH": "EA", "ST": "EA", "STK": "EA", "PC": "EA", "PCE": "EA", "PCS": "EA",
    "PIECE": "EA", "H87": "EA",
    "PR": "PR", "PAA": "PR", "PAIR": "PR", "NPR": "PR",
}  # fmt: skip

_FIGURE: Final = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.ASCII)


def unit(code: str) -> str:
    """Return the canonical code of a unit; one we do not know stays as it is, in capitals."""
    return UNITS.get(code.strip().upper(), code.strip().upper())


def figure(text: str) -> Decimal:
    """Read a decimal as an ERP writes it. Raises :class:`BadAnswer`."""
    if not _FIGURE.fullmatch(text.strip()):
        raise BadAnswer(f"{text[:40]!r} is no decimal figure")
    return Decimal(text.strip())


def pieces(quantity: Decimal) -> int:
    """Return the whole pieces of a stock: no part of one can be promised, nor less than none."""
    return max(0, int(quantity.to_integral_value(ROUND_FLOOR)))


def priced(amount: Decimal, currency: str) -> Decimal:
    """Return ``amount`` with the minor digits of ``currency``: 19.9 and 19.90 are one price.

    A price with more digits than that (a tenth of a cent per screw) keeps them.
    """
    if fits_minor_unit(amount, currency):
        return Decimal(plain(amount, currency))
    return amount.normalize()


def written(amount: Decimal, currency: str) -> str:
    """Write ``amount`` as a plain decimal, exactly; padded to the minor digits of ``currency``."""
    if fits_minor_unit(amount, currency):
        return plain(amount, currency)
    return format(amount.normalize(), "f")


def per_piece(amount: Decimal, quantity: int, currency: str) -> tuple[Decimal, Decimal]:
    """Split an amount for ``quantity`` pieces into a unit price and a discount for the line.

    ERP lines know no amount without a price. ``unit * quantity - discount == amount``, exactly; the
    discount is below one minor unit per piece, and 0 wherever the amount divides evenly.
    """
    exponent = amount.as_tuple().exponent
    places = max(MINOR_DIGITS.get(currency, 2), -exponent if isinstance(exponent, int) else 0)
    each = (amount / quantity).quantize(Decimal(1).scaleb(-places), ROUND_CEILING)
    return each, each * quantity - amount
