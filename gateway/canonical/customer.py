"""Customers, as a master record that an ERP keeps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.canonical.base import PRINTABLE, EntityCode
from gateway.canonical.order import Address, Customer


class CustomerRecord(Customer):
    """Who buys, with where goods and invoices go. ``tax_id`` makes a business of them."""

    legal_entity: EntityCode
    addresses: Annotated[tuple[Address, ...], Field(max_length=20)] = ()
    tax_id: Annotated[str, Field(max_length=20, pattern=PRINTABLE)] = ""
    language: Annotated[str, Field(pattern=r"^([a-z]{2}(-[A-Z]{2})?)?$")] = ""
