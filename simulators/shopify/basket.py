"""What a buyer puts into the basket, and the arithmetic of the checkout.

Prices include tax, as in European shops: subtotal = lines - discounts, total = subtotal + shipping,
and the tax is what those amounts contain, rounded line by line. In a shop whose prices leave tax
out, it comes on top of them by the same rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from simulators.catalogue import Item
from simulators.people import Person
from simulators.shopify.money import CENT, ZERO
from simulators.taxes import rate, tax_on, tax_within

SHIPPING = Decimal("4.95")
FREE_SHIPPING_FROM = Decimal("75.00")
CODES = {"WELCOME10": Decimal("0.10"), "BF20": Decimal("0.20")}


@dataclass(frozen=True, slots=True)
class BasketLine:
    """A line: `discount` is the line's share of a code, `tax` what the discounted line bears.

    `price` is a piece's, with or without tax as the basket's are.
    """

    item: Item
    price: Decimal
    quantity: int
    discount: Decimal
    tax: Decimal
    rate: Decimal

    @property
    def gross(self) -> Decimal:
        """Before discount."""
        return self.price * self.quantity


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
    taxes_included: bool = True

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
        """All tax, in the prices or beside them."""
        return sum((line.tax for line in self.lines), self.shipping_tax)

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        beside = ZERO if self.taxes_included else self.tax
        return self.line_total - self.discount + self.shipping + beside


def fill(
    buyer: Person,
    wanted: Sequence[tuple[Item, int]],
    *,
    code: str = "",
    paid: bool = True,
    presentment: bool = False,
    taxes_included: bool = True,
) -> Basket:
    """Work out a checkout. The code's discount is spread over the lines to the cent."""
    priced = [
        (item, _price(item, buyer.country, taxes_included=taxes_included), quantity)
        for item, quantity in wanted
    ]
    total = sum((price * quantity for _, price, quantity in priced), ZERO)
    share = CODES.get(code, ZERO)
    tax = tax_within if taxes_included else tax_on
    lines = []
    off = _spread([price * quantity for _, price, quantity in priced], share)
    for (item, price, quantity), discount in zip(priced, off, strict=True):
        fraction = rate(buyer.country, item.tax_category)
        owed = tax(price * quantity - discount, fraction)
        lines.append(BasketLine(item, price, quantity, discount, owed, fraction))
    shipping = ZERO if total >= FREE_SHIPPING_FROM else SHIPPING
    standard = rate(buyer.country, "standard")
    return Basket(
        buyer, tuple(lines), code if share else "", shipping, tax(shipping, standard), standard,
        paid, presentment, taxes_included,
    )  # fmt: skip


def at_random(
    chance: Random, items: Mapping[str, Item], buyer: Person, *, presentment: bool,
    taxes_included: bool = True,
) -> Basket:  # fmt: skip
    """Fill a basket as buyers do: mostly one to three lines, sometimes a code, mostly paid."""
    number = chance.choices((1, 2, 3, 5), (5, 3, 2, 1))[0]
    chosen = chance.sample(list(items.values()), number)
    wanted = [(item, chance.choices((1, 2, 3), (8, 2, 1))[0]) for item in chosen]
    code = chance.choice(list(CODES)) if chance.random() < 0.2 else ""
    paid = chance.random() < 0.9
    return fill(
        buyer, wanted, code=code, paid=paid, presentment=presentment, taxes_included=taxes_included
    )


def _price(item: Item, country: str, *, taxes_included: bool) -> Decimal:
    if taxes_included:
        return item.price
    return item.price - tax_within(item.price, rate(country, item.tax_category))


def _spread(gross: Sequence[Decimal], share: Decimal) -> list[Decimal]:
    """Discounts per line that add up to the share of the whole: the last line takes the rest."""
    whole = (sum(gross, ZERO) * share).quantize(CENT, ROUND_HALF_UP)
    shares = [(amount * share).quantize(CENT, ROUND_HALF_UP) for amount in gross[:-1]]
    return [*shares, whole - sum(shares, ZERO)]
