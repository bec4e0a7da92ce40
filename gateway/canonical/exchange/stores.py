"""What is known of the numbers that registers used, and of the files they came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


class NumberUsed(NamedTuple):
    """One use of a register's number, as it was taken.

    ``kind`` is ``sale``, ``void`` or ``control``. ``content`` tells two contents under one number
    apart: equal for equal ones. ``transaction_id`` is "" for what books nothing.
    """

    store: str
    business_date: date
    register_id: str
    sequence: int
    channel: str
    content: str
    kind: str
    transaction_id: str
    sold_at: datetime | None
    arrived_at: datetime


class DayClosed(NamedTuple):
    """When a store's business day was closed, as far as this installation was told."""

    store: str
    business_date: date
    closed_at: datetime
    by: str


class StoreNumbers(NamedTuple):
    """What a report is made of: the numbers of its days and of each register's day before."""

    used: tuple[NumberUsed, ...]
    closed: tuple[DayClosed, ...]


class FileTotal(NamedTuple):
    """What a file has of one currency: receipts and what they add up to."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file of receipts. ``taken_at`` is None while some of it may not be taken yet."""

    sha256: str
    channel: str
    name: str
    transactions: int
    totals: tuple[FileTotal, ...]
    begun_at: datetime
    taken_at: datetime | None
