"""What a channel sent that nobody announced, counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: Path of what is counted together because there is too much of it.
REST: Final = "…"


@dataclass(frozen=True, slots=True)
class Drift:
    """One surprise: where it stands, of what ``kind`` it is, and how often it came.

    ``payload`` is what it stands in (``order``, ``notification``, ``return``); ``kind`` is
    ``field`` (a new one), ``null`` (where something always stood) or ``value`` (a new word, then
    ``value`` has it). ``first_at`` and ``last_at`` are when it was written down, some seconds late.
    """

    channel: str
    payload: str
    kind: str
    path: str
    value: str
    count: int
    first_at: datetime
    last_at: datetime
