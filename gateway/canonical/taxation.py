"""What a tax engine is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from gateway.canonical.breakdown import TaxPart
from gateway.canonical.order import Address

#: The number of the line that an order's shipping is taxed as: no line has it.
SHIPPING: Final = 0


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """What is to be taxed: ``amount`` after discount, with or without tax as the order says.

    ``category`` is the channel's tax category, "" if it states none.
    """

    line: int
    sku: str
    quantity: int
    amount: Decimal
    category: str = ""


@dataclass(frozen=True, slots=True)
class TaxQuestion:
    """What a tax engine is asked. Nothing of it is sent that names a customer."""

    reference: str
    legal_entity: str
    channel: str
    currency: str
    on: date
    tax_included: bool
    ship_to: Address
    lines: tuple[TaxedLine, ...]


@dataclass(frozen=True, slots=True)
class TaxQuoted:
    """What an engine answered, by line; ``source`` names engine and calculation, for the record."""

    lines: Mapping[int, tuple[TaxPart, ...]]
    source: str
