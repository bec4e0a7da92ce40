"""What a wave has done, as counts and money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Left:
    """Business objects that stay with an ERP though the rules go back, as far as the ledger knows.

    ``objects`` and their ``value`` by currency are all of them. Of those, ``waiting`` are not
    booked yet, ``held`` are refused (the others of them follow), ``to_ship`` are booked orders that
    were not cancelled: they are picked and shipped there, unless that was done already, which the
    gateway does not see. ``to_refund`` are returns of them that are not credited yet.
    """

    objects: int = 0
    value: Mapping[str, Decimal] = field(default_factory=dict)
    waiting: int = 0
    held: int = 0
    to_ship: int = 0
    to_refund: int = 0


class Span(NamedTuple):
    """A time from ``start`` up to ``end``."""

    start: datetime
    end: datetime


class Route(NamedTuple):
    """Messages that fared alike: of one process, with one ERP ("" before one owns them)."""

    process: str
    erp: str
    state: str
