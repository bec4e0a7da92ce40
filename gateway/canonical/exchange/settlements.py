"""What the ledger says of a settlement it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.canonical.settlement import Component, Settlement


@dataclass(frozen=True, slots=True)
class KeptSettlement:
    """A settlement in the ledger. ``fresh`` is False if it was there before this call.

    ``unknown`` are components that no list has, with their number of rows: kept like all others,
    and to be given an account.
    """

    head: Settlement
    channel: str
    file: str
    sha256: str
    rows: int
    unknown: tuple[tuple[Component, int], ...]
    kept_at: datetime
    fresh: bool = False
