"""The customer master of a simulated ERP.

Neither ERP is idempotent here either: the same reference created twice is two customers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """A customer; look-ups see it from `visible_s` (monotonic) on."""

    number: str
    reference: str
    company: str
    name: str
    city: str
    country: str
    email: str
    visible_s: float

    def as_json(self) -> dict[str, object]:
        """The entry of `GET /control/customers`."""
        return {
            "number": self.number,
            "reference": self.reference,
            "company": self.company,
            "name": self.name,
            "city": self.city,
            "country": self.country,
            "email": self.email,
        }


class Customers:
    """All customers that were created since the start."""

    def __init__(self, number: Callable[[int], str], first: int) -> None:
        self.rows: list[CustomerRow] = []
        self._number = number
        self._next = count(first)
        self._numbers: set[str] = set()

    def create(
        self,
        *,
        reference: str,
        company: str,
        name: str,
        city: str,
        country: str,
        email: str,
        visible_s: float,
    ) -> CustomerRow:
        """Add one, whatever there is already."""
        row = CustomerRow(
            number=self._number(next(self._next)),
            reference=reference,
            company=company,
            name=name,
            city=city,
            country=country,
            email=email,
            visible_s=visible_s,
        )
        self.rows.append(row)
        self._numbers.add(row.number)
        return row

    def find(self, reference: str, company: str, now_s: float) -> list[CustomerRow]:
        """The visible customers of a company with the reference, in the order of creation."""
        return [
            row
            for row in self.rows
            if (row.reference, row.company) == (reference, company) and row.visible_s <= now_s
        ]

    def has(self, number: str) -> bool:
        """Whether a customer of that number was created."""
        return number in self._numbers
