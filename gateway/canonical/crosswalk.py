"""Crosswalks: what a channel's code is called in each ERP, since when, and who looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class CrosswalkKind(StrEnum):
    """What is translated."""

    SKU = "sku"
    TAX = "tax"
    TENDER = "tender"
    LOCATION = "location"
    CUSTOMER = "customer"


class Crossing(NamedTuple):
    """One row: what ``source`` of ``channel`` ("" is any) is called in either ERP.

    An empty target is a gap: nobody has said yet what it is called there. The row holds from
    ``valid_from`` until the day before ``valid_until``, either open if None.
    """

    channel: str
    source: str
    legacy: str
    cloud: str
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class CrosswalkVersion:
    """A table as it was imported. Tables never change; the next import is the next version."""

    kind: CrosswalkKind
    version: int
    steward: str
    rows: int
    sha256: str
    by: str
    note: str
    at: datetime
