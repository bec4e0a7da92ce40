"""Money: decimal amounts with a currency, never floats.

Amounts arrive as JSON strings. A JSON number is refused, because by the time it is seen here the
sender's library has already been free to round it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from gateway.canonical.base import matching

#: ISO 4217 minor-unit digits of the currencies a legal entity may book in.
MINOR_DIGITS: Final[dict[str, int]] = {
    "AUD": 2, "BGN": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2,
    "JPY": 0, "KWD": 3, "NOK": 2, "PLN": 2, "RON": 2, "SEK": 2, "TND": 3, "TRY": 2, "USD": 2,
}  # fmt: skip

#: Digits allowed before the decimal point: thirteen cover any order and fit every ledger column.
INTEGER_DIGITS_MAX: Final = 13


_PATTERN: Final = rf"^-?(?:0|[1-9][0-9]{{0,{INTEGER_DIGITS_MAX - 1}}})(?:\.[0-9]{{1,4}})?$"


class _Written:
    """Reads money from text alone, within pydantic's compiled core.

    An order has a score of amounts: a Python function called for each of them would cost as much
    as all the rest of its validation.
    """

    def __init__(self, at_least: Decimal | None = None) -> None:
        self._at_least = at_least

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        text = core_schema.custom_error_schema(
            core_schema.str_schema(strict=True, pattern=_PATTERN),
            custom_error_type="money_text",
            custom_error_message='must be a string such as "19.95", with at most 4 places',
        )
        return core_schema.chain_schema([text, core_schema.decimal_schema(ge=self._at_least)])


Amount = Annotated[Decimal, _Written()]
"""A signed decimal amount of at most four places, written as a plain string."""

NotNegative = Annotated[Decimal, _Written(at_least=Decimal(0))]
"""An amount that cannot be below zero."""

Currency = Annotated[
    str, matching(r"^[A-Z]{3}$", "an ISO 4217 code of three capital letters", examples=["EUR"])
]
"""An ISO 4217 code."""


def fits_minor_unit(amount: Decimal, currency: str) -> bool:
    """Say whether ``amount`` has no more places than ``currency`` has minor digits."""
    return not amount % Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))


def plain(amount: Decimal, currency: str) -> str:
    """Write ``amount`` with exactly the minor digits of ``currency``, as in ``"19.95"``."""
    return f"{amount:.{MINOR_DIGITS.get(currency, 2)}f}"
