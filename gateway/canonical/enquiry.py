"""What an enquiry answers, the same whichever ERP was asked."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from gateway.canonical.base import Document
from gateway.canonical.money import Currency


class Availability(Document):
    """Pieces that may be promised now; ``as_of`` is when the ERP said so."""

    sku: str
    legal_entity: str
    available: int
    unit: str
    as_of: datetime


class Price(Document):
    """The sales price of one piece."""

    sku: str
    legal_entity: str
    currency: Currency
    unit_price: Decimal
    tax_included: bool
    as_of: datetime


class Product(Document):
    """What a SKU is."""

    sku: str
    name: str
    ean: str
    tax_category: str
    unit: str
