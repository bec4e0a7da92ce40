"""What a buyer puts into the basket, and the arithmetic of the checkout.

Prices include tax, as in European shops: subtotal = lines - discounts, total = subtotal + shipping,
and the tax is what those amounts contain, rounded line by line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from simulators.catalogue import Item
from simulators.people import Person
from simulators.shopify.money import CENT, ZERO
from simulators.taxes import rate, tax_within

SHIPPING = Decimal("4.95")
FREE_SHIPPING_FROM = Decimal("75.00")
CODES = {"WELCOME10": Decimal("0.10"), "BF20": Decimal("0.20")}


@dataclass(frozen=True, slots=True)
class BasketLine:
    """A line: `discount` is the line's share of a code, `tax` what the discounted line contains."""

    item: Item
    quantity: int
    discount: Decimal
    tax: Decimal
    rate: Decimal

    @property
    def gross(self) -> Decimal:
        """Before discount, tax included."""
        return self.item.price * self.quantity


@dataclass(frozen=True, slots=True)
class Basket:
    """A filled basket at checkout."""

    buyer: Person
    lines: tuple[BasketLine, ...]
    code: str
    shipping: Decimal
    shipping_tax: Decimal
    shipping_rate: Decimal
    paid: bool
    presentment: bool

    @property
    def line_total(self) -> Decimal:
        """All lines before discount."""
        return sum((line.gross for line in self.lines), ZERO)

    @property
    def discount(self) -> Decimal:
        """What the code took off."""
        return sum((line.discount for line in self.lines), ZERO)

    @property
    def tax(self) -> Decimal:
        """All tax contained."""
        return sum((line.tax for line in self.lines), self.shipping_tax)

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        return self.line_total - self.discount + self.shipping


def fill(
    buyer: Person,
    wanted: Sequence[tuple[Item, int]],
    *,
    code: str = "",
    paid: bool = True,
    presentment: bool = False,
) -> Basket:
    """Work out a checkout. The code's discount is spread over the lines to the cent."""
    total = sum((item.price * quantity for item, quantity in wanted), ZERO)
    share = CODES.get(code, ZERO)
    lines = tuple(
        _line(item, quantity, discount, buyer.country)
        for (item, quantity), discount in zip(wanted, _spread(wanted, share), strict=True)
    )
    shipping = ZERO if total >= FREE_SHIPPING_FROM else SHIPPING
    standard = rate(buyer.country, "standard")
    return Basket(
        buyer, lines, code if share else "", shipping, tax_within(shipping, standard), standard,
        paid, presentment,
    )  # fmt: skip


def at_random(
    chance: Random, items: Mapping[str, Item], buyer: Person, *, presentment: bool
) -> Basket:
    """Fill a basket as buyers do: mostly one to three lines, sometimes a code, mostly paid."""
    number = chance.choices((1, 2, 3, 5), (5, 3, 2, 1))[0]
    chosen = chance.sample(list(items.values()), number)
    wanted = [(item, chance.choices((1, 2, 3), (8, 2, 1))[0]) for item in chosen]
    code = chance.choice(list(CODES)) if chance.random() < 0.2 else ""
    return fill(buyer, wanted, code=code, paid=chance.random() < 0.9, presentment=presentment)


def _spread(wanted: Sequence[tuple[Item, int]], share: Decimal) -> list[Decimal]:
    """Discounts per line that add up to the share of the whole: the last line takes the rest."""
    gross = [item.price * quantity for item, quantity in wanted]
    whole = (sum(gross, ZERO) * share).quantize(CENT, ROUND_HALF_UP)
    shares = [(amount * share).quantize(CENT, ROUND_HALF_UP) for amount in gross[:-1]]
    return [*shares, whole - sum(shares, ZERO)]


def _line(item: Item, quantity: int, discount: Decimal, country: str) -> BasketLine:
    fraction = rate(country, item.tax_category)
    tax = tax_within(item.price * quantity - discount, fraction)
    return BasketLine(item, quantity, discount, tax, fraction)
