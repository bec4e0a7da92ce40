"""Customers, as a master record that an ERP keeps."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from gateway.canonical.base import PRINTABLE, EntityCode, matching
from gateway.canonical.order import Address, Customer


class CustomerRecord(Customer):
    """Who buys, with where goods and invoices go. ``tax_id`` makes a business of them."""

    legal_entity: EntityCode
    addresses: Annotated[tuple[Address, ...], Field(max_length=20)] = ()
    tax_id: Annotated[str, Field(max_length=20, pattern=PRINTABLE)] = ""
    language: Annotated[
        str, matching(r"^([a-z]{2}(-[A-Z]{2})?)?$", "a language such as nl or nl-BE")
    ] = ""


_REFERENCE_BYTES: Final = 12


class Wish(NamedTuple):
    """A customer an ERP is to have: the channel's, in a legal entity, as an order states them.

    ``currency`` is the order's.
    """

    channel: str
    legal_entity: str
    customer: Customer
    address: Address
    currency: str

    @property
    def reference(self) -> str:
        """What the ERP finds the customer by: one for each channel, legal entity and customer."""
        named = f"{self.channel}\x00{self.legal_entity}\x00{self.customer.ref}"
        return f"CXC-{blake2b(named.encode(), digest_size=_REFERENCE_BYTES).hexdigest()}"
