"""Customers in an ERP, and what is kept of those that were created there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.canonical.customer import Wish
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import Booked, Busy, Refused, Unknown
from gateway.canonical.process import Target


@dataclass(frozen=True, slots=True)
class Master:
    """What is kept of a customer in an ERP.

    ``number`` is "" until it is known; ``begun_at`` is when a creation began whose outcome is not
    known to everybody, None if none was needed.
    """

    number: str
    begun_at: datetime | None


class Customers(Protocol):
    """An ERP's customer master. Every call costs one permit of its quota, and none raises."""

    name: Target
    timing: Timing

    async def find_customer(self, wish: Wish) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of all customers with the wish's reference."""
        ...

    async def create_customer(self, wish: Wish) -> Booked | Refused | Busy | Unknown:
        """Create the customer, once; ``Booked`` carries the number."""
        ...


class CustomerShelf(Protocol):
    """Which customer has which number where, for all processes."""

    async def master(self, erp: Target, reference: str) -> Master | None:
        """Return what is kept of a customer."""
        ...

    async def begin_master(
        self, erp: Target, wish: Wish, at: datetime, after: datetime | None
    ) -> bool:
        """Keep that a creation begins; False if somebody else began one.

        ``after`` is when the last one began that was seen, None if none was.
        """
        ...

    async def end_master(self, erp: Target, reference: str, begun_at: datetime) -> None:
        """Forget a creation that certainly came to nothing."""
        ...

    async def keep_master(self, erp: Target, wish: Wish, number: str) -> None:
        """Keep a customer's number; the first one that is kept stays."""
        ...
