"""The file-defined fixtures in ``loadtests/orders``: prices, people, order and receipt templates.

Amounts in EUR, tax included. A template names alternatives; chance picks one of each.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, RootModel

from loadtests.errors import BadFile
from loadtests.files import Strict, read_json

ORDERS = Path(__file__).parent / "orders"

Percent = Annotated[int, Field(ge=0, le=99)]
Pieces = Annotated[int, Field(ge=1)]
Some = Field(min_length=1)


class Price(Strict):
    """Price of a piece, tax included, and its tax category."""

    price: Annotated[Decimal, Field(gt=0)]
    tax: Literal["standard", "reduced", "zero"]


class Prices(Strict):
    """Tax rates in per cent by country and category, and the price of every SKU we use."""

    tax_percent: dict[str, dict[str, Decimal]]
    items: dict[str, Price]

    def rate_of(self, sku: str, country: str) -> Decimal:
        """The tax rate of ``sku`` in ``country``, in per cent."""
        return self.tax_percent[country][self.items[sku].tax]


class Place(Strict):
    """A town and one of its post codes."""

    city: str
    postal_code: str


class People(Strict):
    """Parts that obviously made-up customers of one country are put together from."""

    first_names: Annotated[list[str], Some]
    last_names: Annotated[list[str], Some]
    streets: Annotated[list[str], Some]
    places: Annotated[list[Place], Some]


class PeopleByCountry(RootModel[dict[str, People]]):
    """Made-up people by ISO 3166-1 alpha-2 country."""


class LineTemplate(Strict):
    """One line: alternatives for what, how many pieces, and which discount."""

    sku: Annotated[list[str], Some]
    quantity: Annotated[list[Pieces], Some]
    discount_percent: Annotated[list[Percent], Field(default=[0], min_length=1)]


class Template(Strict):
    """A basket as one kind of customer fills it."""

    name: str
    lines: Annotated[list[LineTemplate], Some]


class Payment(Strict):
    """How an order was paid, as the channel says it."""

    method: str
    status: Literal["paid", "authorised", "pending"]


class ShippingTerms(Strict):
    """What shipping costs, and from which value of goods on it is free."""

    amount: Decimal
    free_from: Decimal


class OrderTemplates(Strict):
    """What one ordering channel sends. ``entities`` maps legal entity to country."""

    channel: str
    prefix: str
    entities: Annotated[dict[str, str], Some]
    customer_groups: Annotated[list[str], Some]
    payments: Annotated[list[Payment], Some]
    shipping: ShippingTerms
    templates: Annotated[list[Template], Some]


class Store(Strict):
    """A store: whose it is, where, and its registers."""

    legal_entity: str
    country: str
    registers: Annotated[list[str], Some]


class PosTemplates(Strict):
    """The POS estate: stores, ways to pay, receipts."""

    channel: str
    stores: Annotated[dict[str, Store], Some]
    tenders: Annotated[list[str], Some]
    templates: Annotated[list[Template], Some]


class Fixtures(Strict):
    """All fixture files together."""

    prices: Prices
    people: dict[str, People]
    webshop: OrderTemplates
    marketplace: OrderTemplates
    pos: PosTemplates


def load_fixtures(folder: Path = ORDERS) -> Fixtures:
    """Read all fixture files of ``folder``; raises BadFile naming the file and the key."""
    prices = read_json(folder / "prices.json", Prices)
    webshop = read_json(folder / "webshop.json", OrderTemplates)
    marketplace = read_json(folder / "marketplace.json", OrderTemplates)
    pos = read_json(folder / "pos.json", PosTemplates)
    for name, templates in (
        ("webshop.json", webshop.templates),
        ("marketplace.json", marketplace.templates),
        ("pos.json", pos.templates),
    ):
        _refuse_unpriced(folder / name, templates, prices)
    people = read_json(folder / "people.json", PeopleByCountry).root
    return Fixtures(prices=prices, people=people, webshop=webshop, marketplace=marketplace, pos=pos)


def _refuse_unpriced(path: Path, templates: list[Template], prices: Prices) -> None:
    for template in templates:
        for line in template.lines:
            for sku in line.sku:
                if sku not in prices.items:
                    place = f"template {template.name!r}"
                    raise BadFile(path, place, f"SKU {sku} has no price; add it to prices.json")
