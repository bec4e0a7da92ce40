"""Customers in the cloud ERP. ``externalReference`` is a field of a per-tenant extension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.canonical.customer import Wish
from gateway.canonical.outcome import Unknown
from gateway.erp.cloud.answers import text_of
from gateway.erp.cloud.exact import Json, dumps
from gateway.erp.figures import BadAnswer

#: Characters the fields hold; names and places are cut, a mail address is left out.
LENGTHS: Final = {"displayName": 100, "addressLine1": 100, "city": 30, "state": 30}
_EMAIL_CHARS_MAX: Final = 80


def build(wish: Wish) -> bytes:
    """Write the customer."""
    to, email = wish.address, wish.customer.email or ""
    cut = {
        "displayName": wish.customer.name,
        "addressLine1": to.street,
        "city": to.city,
        "state": to.region,
    }
    fields: dict[str, Json] = {
        "externalReference": wish.reference,
        "type": "Person",
        **{name: text[: LENGTHS[name]].rstrip() for name, text in cut.items() if text},
        "postalCode": to.postal_code,
        "country": to.country,
        "currencyCode": wish.currency,
        **({"email": email} if 0 < len(email) <= _EMAIL_CHARS_MAX else {}),
    }
    return dumps(fields).encode()


def numbers(rows: Sequence[Json], wish: Wish) -> Sequence[str] | Unknown:
    """Read the numbers in an answer; one without is no answer."""
    found = []
    for row in rows:
        try:
            number = text_of(row, "number") if isinstance(row, dict) else ""
        except BadAnswer:
            number = ""
        if not number:
            return Unknown(f"look-up of customer {wish.reference}: a customer without a number")
        found.append(number)
    return found
