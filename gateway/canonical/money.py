"""Money: decimal amounts with a currency, never floats.

Amounts arrive as JSON strings. A JSON number is refused, because by the time it is seen here the
sender's library has already been free to round it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

#: ISO 4217 minor-unit digits of the currencies a legal entity may book in.
MINOR_DIGITS: Final[dict[str, int]] = {
    "AUD": 2, "BGN": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2,
    "JPY": 0, "KWD": 3, "NOK": 2, "PLN": 2, "RON": 2, "SEK": 2, "TND": 3, "TRY": 2, "USD": 2,
}  # fmt: skip

#: Digits allowed before the decimal point: thirteen cover any order and fit every ledger column.
INTEGER_DIGITS_MAX: Final = 13


_WRITTEN: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,12})(?:\.[0-9]{1,4})?", re.ASCII).fullmatch
_SHOWN_CHARS: Final = 40


def _only_text(value: object) -> object:
    if isinstance(value, Decimal) or (isinstance(value, str) and _WRITTEN(value)):
        return value
    shown = repr(value)[:_SHOWN_CHARS]
    # Raised as ValueError throughout: that is what pydantic turns into an error of the field.
    if not isinstance(value, str):
        problem = f'money is a string such as "19.95", not a JSON {type(value).__name__} ({shown})'
    else:
        problem = f'money is written as in "19.95", with at most 4 places, not {shown}'
    raise ValueError(problem)


# The bounds stand before the validator, next to Decimal: there the compiled core checks them,
# behind it Python code would, at three times the cost of the whole amount.
_DIGITS = Field(max_digits=INTEGER_DIGITS_MAX + 4, decimal_places=4, allow_inf_nan=False)

Amount = Annotated[Decimal, _DIGITS, BeforeValidator(_only_text)]
"""A signed decimal amount of at most four places, written as a plain string."""

NotNegative = Annotated[Decimal, _DIGITS, Field(ge=0), BeforeValidator(_only_text)]
"""An amount that cannot be below zero."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]
"""An ISO 4217 code."""


def fits_minor_unit(amount: Decimal, currency: str) -> bool:
    """Say whether ``amount`` has no more places than ``currency`` has minor digits."""
    return not amount % Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))


def plain(amount: Decimal, currency: str) -> str:
    """Write ``amount`` with exactly the minor digits of ``currency``, as in ``"19.95"``."""
    return f"{amount:.{MINOR_DIGITS.get(currency, 2)}f}"
