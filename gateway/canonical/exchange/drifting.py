"""What a channel sent that nobody announced, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from gateway.canonical.storable import storable

#: Characters kept of what stood there.
EXAMPLE_CHARS_MAX: Final = 300

#: Payloads held between two writes, and those of one file: characters of them at most.
HELD_MAX: Final = 1_000
HELD_CHARS_MAX: Final = 32_000_000

#: What a payload is called that has no reference.
UNNAMED: Final = "unnamed"

#: Path of what is counted together because there is too much of it.
REST: Final = "…"


class Surprise(NamedTuple):
    """What a payload has and nobody announced: ``field:PATH``, ``null:PATH``, ``value:PATH=VALUE``.

    ``example`` is what stood there and in which payload, ``times`` how often it stands in it.
    """

    found: str
    example: str = ""
    times: int = 1


class Whole(NamedTuple):
    """A payload with something in it that nobody announced, as it came.

    ``reference`` is what it is of: an order, a refund, a return, a receipt; ``found`` is what it
    has, as :class:`Surprise` says it.
    """

    reference: str
    found: tuple[str, ...]
    text: str


class Wholes:
    """Payloads to be kept, as many as may be held; the rest are counted."""

    def __init__(self) -> None:
        self.held: list[Whole] = []
        self.left_out = 0
        self._chars = 0

    def add(self, reference: str, found: Iterable[str], written: Callable[[], str]) -> None:
        """Hold one; it is ``written`` only if there is room."""
        if len(self.held) >= HELD_MAX or self._chars >= HELD_CHARS_MAX:
            self.left_out += 1
            return
        it = Whole(reference or UNNAMED, tuple(dict.fromkeys(found)), written())
        self.held.append(it)
        self._chars += len(it.text)


@dataclass(frozen=True, slots=True)
class KeptPayload:
    """A payload kept whole; ``at`` is when it was written down, some seconds late."""

    channel: str
    payload: str
    reference: str
    at: datetime
    found: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class NotKept:
    """How many payloads of a channel were not kept on a day (UTC): there were too many."""

    channel: str
    day: date
    count: int


@dataclass(frozen=True, slots=True)
class Drift:
    """One surprise: where it stands, of what ``kind`` it is, and how often it came.

    ``payload`` is what it stands in (``order``, ``refund``, ``poslog`` …); ``kind`` is
    ``field`` (a new one), ``null`` (where something always stood) or ``value`` (a new word, then
    ``value`` has it). ``first_at`` and ``last_at`` are when it was written down, some seconds late.
    ``example`` is what stood there when it first came, word for word, and in which payload;
    ``reference`` is that of the last payload that has it and was kept whole.
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
    reference: str = ""


def placed(found: str) -> tuple[str, str, str]:
    """Return kind, path and value of what a :class:`Surprise` says was found, as it is stored."""
    kind, _, rest = found.partition(":")
    path, _, value = rest.partition("=") if kind == "value" else (rest, "", "")
    return kind, storable(path), storable(value)
