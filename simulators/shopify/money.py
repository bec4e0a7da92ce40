"""Money as the Admin API writes it: decimal strings, and twins in shop and presentment currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def text(amount: Decimal) -> str:
    """Two decimal places, never an exponent."""
    return format(amount.quantize(CENT, ROUND_HALF_UP), "f")


@dataclass(frozen=True, slots=True)
class Currencies:
    """What the shop books in, what the buyer saw, and how much of it one unit is."""

    shop: str
    presentment: str
    rate: Decimal

    def both(self, amount: Decimal) -> dict[str, dict[str, str]]:
        """The ``*_set`` twin of an amount in the shop's currency."""
        return {
            "shop_money": {"amount": text(amount), "currency_code": self.shop},
            "presentment_money": {
                "amount": text(amount * self.rate),
                "currency_code": self.presentment,
            },
        }
