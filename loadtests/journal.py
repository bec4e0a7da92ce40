"""The driver's journal: what was sent, when, and what was answered. JSON lines.

Times named ``*_wall`` are RFC 3339; all others are seconds of the machine's monotonic clock, which
processes on one machine share, so that they compare with the conductor's events. Money is decimal
strings. One entry a line:

``run``      once, first: ``seed``, ``rate_per_s``, ``duration_s``, ``scenario``, ``gateways``,
             ``business_date`` (the last business day of the run), ``business_days`` (how many
             equal ones the run is cut into), ``started``, ``started_wall``, ``process`` (pid)
``attempt``  each HTTP exchange: ``request``, ``attempt`` (1 …), ``process``, ``channel``,
             ``gateway``, ``sent``, ``answered``, ``sent_wall``, ``status`` (0 = no answer),
             ``error``
``message``  the conclusion of each business message of a write: the message's fields (see
             ``messages.Message``), ``request``, ``intended`` (when it was due), ``sent`` (first
             attempt), ``answered`` and ``answered_wall`` (null = never), ``attempts`` (0 = not sent
             by the driver: a channel sold it, and it has to be booked), ``gateway``
             (of the last attempt), ``status``, ``state`` (accepted, rejected, unknown),
             ``transaction_id``, ``replayed``, ``error``
``read``     the conclusion of each read: ``request``, ``process``, ``channel``, ``intended``,
             ``sent``, ``answered``, ``attempts``, ``gateway``, ``status``, ``state`` (answered,
             rejected, unknown), ``error``
``end``      once, last: ``ended``, ``ended_wall``. Missing = the driver did not finish.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from loadtests.errors import BadFile
from loadtests.messages import Line, Message

State = Literal["accepted", "rejected", "unknown"]
ReadState = Literal["answered", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for."""

    seed: int
    rate_per_s: float
    duration_s: float
    scenario: str
    gateways: list[str]
    business_date: str
    started: float
    started_wall: str
    process: int
    business_days: int = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP exchange of a request."""

    request: str
    attempt: int
    process: str
    channel: str
    gateway: str
    sent: float
    answered: float
    sent_wall: str
    status: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """How one business message was concluded. ``answered`` is None if nobody ever said."""

    message: Message
    request: str
    intended: float
    sent: float
    answered: float | None
    answered_wall: str | None
    attempts: int
    gateway: str
    status: int
    state: State
    transaction_id: str = ""
    replayed: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """How one read was concluded."""

    request: str
    process: str
    channel: str
    intended: float
    sent: float
    answered: float | None
    attempts: int
    gateway: str
    status: int
    state: ReadState
    error: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The driver finished by itself."""

    ended: float
    ended_wall: str


Entry = Run | Attempt | MessageEntry | Read | End
_NAMES: dict[type, str] = {
    Run: "run", Attempt: "attempt", MessageEntry: "message", Read: "read", End: "end",
}  # fmt: skip


class JournalWriter:
    """Appends entries; every line is flushed, so that others may follow the file."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise BadFile(path, "", f"cannot be written: {error.strerror}") from error

    def write(self, entry: Entry) -> None:
        """Append one entry."""
        self._file.write(json.dumps(entry_json(entry), ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Nothing more will be written."""
        self._file.close()


@dataclass(slots=True)
class Journal:
    """A journal as read back. ``ended`` is None if the driver did not finish."""

    run: Run | None = None
    attempts: list[Attempt] = field(default_factory=list)
    messages: list[MessageEntry] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    ended: End | None = None

    def add(self, entry: Entry) -> None:
        """Put one entry where it belongs."""
        match entry:
            case Run():
                self.run = entry
            case Attempt():
                self.attempts.append(entry)
            case MessageEntry():
                self.messages.append(entry)
            case Read():
                self.reads.append(entry)
            case End():
                self.ended = entry


def entry_json(entry: Entry) -> dict[str, Any]:
    """The entry as one JSON object."""
    row: dict[str, Any] = {"entry": _NAMES[type(entry)]}
    if isinstance(entry, MessageEntry):
        row |= asdict(entry.message)
        row |= {name: getattr(entry, name) for name in _field_names(MessageEntry)[1:]}
        row["lines"] = [asdict(line) for line in entry.message.lines]
        return _money_as_text(row)
    return row | asdict(entry)


def read_journal(path: Path) -> Journal:
    """Read a journal; raises BadFile naming the line that cannot be understood.

    A last line cut short by the driver's death is left out; ``ended`` is None then anyway.
    """
    journal = Journal()
    for number, row in json_lines(path):
        try:
            journal.add(entry_of(row))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise BadFile(path, f"line {number}", f"not a journal entry: {error!r}") from error
    return journal


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of a JSON-lines file; an unfinished last line is left out.

    Raises BadFile for a file that cannot be read or another line that is not a JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(path, "", f"cannot be read: {error.strerror}") from error
    *lines, rest = text.split("\n")
    for number, line in enumerate([*lines, *_whole(rest)], start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadFile(path, f"line {number}", f"not JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise BadFile(path, f"line {number}", "not a JSON object")
        yield number, row


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The entry a JSON object stands for; raises KeyError, TypeError or ValueError."""
    values = dict(row)
    name = values.pop("entry")
    if name == "message":
        parts = {key: values.pop(key) for key in _field_names(Message)}
        return MessageEntry(message=_message(parts), **values)
    for kind, known in _NAMES.items():
        if known == name:
            entry: Entry = kind(**values)
            return entry
    known_names = ", ".join(_NAMES.values())
    message = f"entry {name!r} is none of {known_names}"
    raise ValueError(message)


def _message(parts: dict[str, Any]) -> Message:
    parts["lines"] = tuple(
        Line(**(line | {name: _decimal(line.get(name)) for name in ("amount", "tax")}))
        for line in parts["lines"]
    )
    parts["total"] = _decimal(parts["total"])
    parts["shipping"] = Decimal(parts["shipping"])
    parts["tax"] = _decimal(parts["tax"])
    return Message(**parts)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _whole(rest: str) -> list[str]:
    try:
        json.loads(rest)
    except json.JSONDecodeError:
        return []
    return [rest]


def _money_as_text(row: dict[str, Any]) -> dict[str, Any]:
    def plain(value: object) -> object:
        return str(value) if isinstance(value, Decimal) else value

    row["lines"] = [{key: plain(value) for key, value in line.items()} for line in row["lines"]]
    return {key: plain(value) for key, value in row.items()}


def _field_names(kind: type) -> list[str]:
    return [one.name for one in fields(kind)]
