"""What a channel sent that nobody announced, counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

#: Characters kept of what stood there.
EXAMPLE_CHARS_MAX: Final = 300

#: Path of what is counted together because there is too much of it.
REST: Final = "…"


class Surprise(NamedTuple):
    """What a payload has and nobody announced: ``field:PATH``, ``null:PATH``, ``value:PATH=VALUE``.

    ``example`` is what stood there and in which payload, ``times`` how often it stands in it.
    """

    found: str
    example: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Drift:
    """One surprise: where it stands, of what ``kind`` it is, and how often it came.

    ``payload`` is what it stands in (``order``, ``refund``, ``poslog`` …); ``kind`` is
    ``field`` (a new one), ``null`` (where something always stood) or ``value`` (a new word, then
    ``value`` has it). ``first_at`` and ``last_at`` are when it was written down, some seconds late.
    ``example`` is what stood there when it first came, word for word, and in which payload.
    """

    channel: str
    payload: str
    kind: str
    path: str
    value: str
    count: int
    first_at: datetime
    last_at: datetime
    example: str = ""
