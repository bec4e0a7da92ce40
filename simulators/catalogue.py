"""The articles and companies both simulated ERPs know: the master data is in step.

`data/catalogue.csv` holds sku, name, ean, unit, tax_category, price_eur and stock. Prices include
tax. The stock is what each company starts with. EANs begin with 20, the range GS1 leaves to shops
for their own use, so none belongs to a real article.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

CATALOGUE_FILE = Path(__file__).parent / "data" / "catalogue.csv"
_COLUMNS = ["sku", "name", "ean", "unit", "tax_category", "price_eur", "stock"]
_STORE = re.compile(r"([A-Z]{2})-\d{3}")


@dataclass(frozen=True, slots=True)
class Item:
    """An article. `price` is in EUR with tax, `stock` in `unit`."""

    sku: str
    name: str
    ean: str
    unit: str
    tax_category: str
    price: Decimal
    stock: Decimal


@dataclass(frozen=True, slots=True)
class Company:
    """A legal entity: its code, the currency it books in, the country its stores are in."""

    code: str
    currency: str
    country: str


COMPANIES = {
    company.code: company
    for company in (Company("NL01", "EUR", "NL"), Company("DE01", "EUR", "DE"))
}


def company_of_store(store: str) -> str | None:
    """The legal entity of a store such as NL-001, or None for a store nobody assigned."""
    match = _STORE.fullmatch(store)
    if match is None:
        return None
    for company in COMPANIES.values():
        if company.country == match.group(1):
            return company.code
    return None


def ean_is_valid(ean: str) -> bool:
    """Whether the text is 13 digits with the right check digit (GS1: weights 1 and 3, mod 10)."""
    if len(ean) != 13 or not ean.isascii() or not ean.isdigit():
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(ean))
    return weighted % 10 == 0


def load_catalogue(path: Path = CATALOGUE_FILE) -> dict[str, Item]:
    """Read the articles by SKU, in file order.

    Raises `ValueError` naming file, line and value for a wrong header, a repeated SKU, a wrong
    check digit or a figure that is none.
    """
    items: dict[str, Item] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != _COLUMNS:
            raise ValueError(f"{path}: columns are {reader.fieldnames}, expected {_COLUMNS}")
        for row in reader:
            item = _item(row, f"{path}:{reader.line_num}")
            if item.sku in items:
                raise ValueError(f"{path}:{reader.line_num}: SKU {item.sku!r} stands there twice")
            items[item.sku] = item
    return items


def _item(row: dict[str, str], place: str) -> Item:
    if not ean_is_valid(row["ean"]):
        raise ValueError(f"{place}: EAN {row['ean']!r} has a wrong length or check digit")
    try:
        price, stock = Decimal(row["price_eur"]), Decimal(row["stock"])
    except ArithmeticError:
        raise ValueError(
            f"{place}: price_eur {row['price_eur']!r} and stock {row['stock']!r} must be decimals"
        ) from None
    return Item(row["sku"], row["name"], row["ean"], row["unit"], row["tax_category"], price, stock)
