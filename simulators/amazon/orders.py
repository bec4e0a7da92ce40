"""What was bought: an order, its items, and how far it is. Amounts of an item are for all pieces.

Every amount contains its tax here; how it is written is the wire's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from simulators.catalogue import Item as Article
from simulators.people import Person
from simulators.taxes import CENT, rate, tax_within

ZERO = Decimal("0.00")
SHIPPING = Decimal("3.99")
GIFT_WRAP = Decimal("2.49")
PROMOTION = "PAWS-V2-F-10"
PROMOTION_SHARE = Decimal("0.10")

PENDING, UNSHIPPED, PARTLY, SHIPPED, CANCELLED = (
    "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED",
)  # fmt: skip


@dataclass(slots=True)
class Item:
    """A line of an order."""

    id: str
    article: Article
    quantity: int
    price: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    shipping_tax: Decimal
    gift_wrap: Decimal
    gift_wrap_tax: Decimal
    shipped: int = 0
    cancelled: int = 0
    cancelled_by: str = ""
    wants_cancel: bool = False

    @property
    def open(self) -> int:
        """Pieces neither shipped nor cancelled."""
        return self.quantity - self.shipped - self.cancelled

    @property
    def taxes(self) -> Decimal:
        """All tax that the item's amounts contain."""
        return self.tax + self.shipping_tax + self.gift_wrap_tax

    @property
    def total(self) -> Decimal:
        """What the buyer pays for it."""
        return self.price - self.discount + self.shipping + self.gift_wrap

    @property
    def asin(self) -> str:
        """The marketplace's own number of the article; made from its EAN."""
        return f"B0{self.article.ean[-8:]}"


@dataclass(slots=True)
class Order:
    """An order; `liable`: the marketplace collects and remits its tax."""

    id: str
    created: datetime
    updated: datetime
    buyer: Person
    by_amazon: bool
    liable: bool
    items: list[Item]
    status: str = PENDING
    shipped_at: datetime | None = None
    settled: set[str] = field(default_factory=set)

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        return sum((it.total for it in self.items), ZERO)

    def item(self, item_id: str) -> Item:
        """An item by its id. Raises `KeyError`."""
        for it in self.items:
            if it.id == item_id:
                return it
        raise KeyError(item_id)


def number(place: int, chance: Random) -> str:
    """The id of the ``place``-th order (from 0): three, seven and seven digits."""
    return f"{402 + chance.randrange(4)}-{1_000_000 + place:07d}-{chance.randrange(10**7):07d}"


def fill(
    place: int, wanted: Sequence[tuple[Article, int]], country: str, *, promoted: bool, gift: bool
) -> list[Item]:
    """Work out the items of the ``place``-th order; shipping is charged on the first of them."""
    standard = rate(country, "standard")
    items = []
    for at, (article, quantity) in enumerate(wanted):
        price = article.price * quantity
        share = PROMOTION_SHARE if promoted else ZERO
        discount = (price * share).quantize(CENT, ROUND_HALF_UP)
        shipping = SHIPPING if at == 0 else ZERO
        wrap = GIFT_WRAP if gift and at == 0 else ZERO
        items.append(
            Item(
                id=f"{70_000_000_000_000 + place * 100 + at}",
                article=article,
                quantity=quantity,
                price=price,
                discount=discount,
                tax=tax_within(price - discount, rate(country, article.tax_category)),
                shipping=shipping,
                shipping_tax=tax_within(shipping, standard),
                gift_wrap=wrap,
                gift_wrap_tax=tax_within(wrap, standard),
            )
        )
    return items


def status_of(order: Order) -> str:
    """What the pieces say of an order that was authorised."""
    if all(it.cancelled == it.quantity for it in order.items):
        return CANCELLED
    if not any(it.open for it in order.items):
        return SHIPPED
    return PARTLY if any(it.shipped for it in order.items) else UNSHIPPED
