"""A CSV file of owners, read as a stream: lines in, objects and faults out.

The first line names the columns, separated by commas or semicolons: ``owner`` (``legacy`` or
``cloud``), and what names the object: ``object_key``, or ``channel`` and ``order_ref``, or
``store`` and ``business_date``. Other columns are ignored. A line is a row: a quoted text cannot go
on in the next one, so that a stray quote costs its own line and no more.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from gateway.canonical.envelope import order_key, store_day_key
from gateway.canonical.exchange.owning import Fault, ImportFault, ImportLine
from gateway.canonical.process import ERPS
from gateway.errors import BadRequest

#: Bytes read at once: some ten thousand lines, a short transaction.
CHUNK_BYTES: Final = 400_000

#: A line that is longer is no row of three columns.
LINE_CHARS_MAX: Final = 4_000

_KEY: Final = re.compile(r"(?:order:[^:\s]+:[^\s]+|store-day:[^:\s]+:\d{4}-\d{2}-\d{2})")
_NAMING: Final[tuple[tuple[str, ...], ...]] = (
    ("object_key",), ("channel", "order_ref"), ("store", "business_date"),
)  # fmt: skip
_KEYS: Final[dict[tuple[str, ...], Callable[..., str]]] = {
    ("object_key",): str, ("channel", "order_ref"): order_key,
    ("store", "business_date"): store_day_key,
}  # fmt: skip
_SHOWN_MAX: Final = 80


class Chunk(NamedTuple):
    """Some lines, and where the next ones begin: ``offset`` in bytes, ``line`` counts from 1."""

    lines: list[ImportLine]
    faults: list[ImportFault]
    offset: int
    line: int


class OwnerFile:
    """An open file; raises :class:`~gateway.errors.BadRequest` for one with no such header."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        with path.open("rb") as file:
            self.digest = file_digest(file, "sha256").hexdigest()
        with path.open("rb") as file:
            header = file.readline(LINE_CHARS_MAX)
        if len(header) >= LINE_CHARS_MAX:
            raise BadRequest(
                f"{path}:1: the first line has {LINE_CHARS_MAX} bytes and more: this is no CSV"
            )
        self._first = len(header)
        text = header.decode("utf-8-sig", "replace")
        self._separator = ";" if text.count(";") > text.count(",") else ","
        names = [name.strip().strip('"').lower() for name in text.split(self._separator)]
        self._owner_at, self._key_at, self._key = self._columns(names)

    def _columns(self, names: Sequence[str]) -> tuple[int, list[int], Callable[..., str]]:
        naming = next((it for it in _NAMING if all(name in names for name in it)), None)
        if naming is None or "owner" not in names:
            raise BadRequest(
                f"{self.path}:1: the first line names no object and owner: it has to have the "
                "column owner, and object_key, or channel and order_ref, or store and "
                f"business_date; it has {', '.join(names)[:_SHOWN_MAX] or 'nothing'}"
            )
        return names.index("owner"), [names.index(name) for name in naming], _KEYS[naming]

    def chunks(self, offset: int, line: int) -> Iterator[Chunk]:
        """Read on behind ``offset``; ``line`` is the last one read (0 for the beginning)."""
        with self.path.open("rb") as file:
            file.seek(offset or self._first)
            at = line or 1
            while raw := file.readlines(CHUNK_BYTES):
                yield self._chunk(raw, at, file)
                at += len(raw)

    def _chunk(self, raw: Sequence[bytes], before: int, file: BinaryIO) -> Chunk:
        lines, faults = [], []
        for number, each in enumerate(raw, before + 1):
            if not each.strip():
                continue
            try:
                key, owner = self._row(each)
            except ValueError as error:
                detail = str(error) or "cannot be read"
                faults.append(ImportFault(number, "", Fault.UNREADABLE.value, detail))
            else:
                lines.append(ImportLine(number, key, owner))
        return Chunk(lines, faults, file.tell(), before + len(raw))

    def _row(self, raw: bytes) -> tuple[str, str]:
        """Return object and owner of one line; raise ValueError saying what is wrong."""
        if len(raw) > LINE_CHARS_MAX:
            raise ValueError(f"is longer than {LINE_CHARS_MAX} bytes")
        try:
            cells = self._cells(raw.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8; export the file as UTF-8") from None
        except csv.Error as error:
            raise ValueError(f"is no row of CSV: {error}") from None
        try:
            owner = cells[self._owner_at].strip()
            key = self._key(*(cells[at].strip() for at in self._key_at))
        except IndexError:
            raise ValueError(f"has {len(cells)} columns, fewer than the first line") from None
        if owner not in ERPS:
            raise ValueError(f"owner {owner[:_SHOWN_MAX]!r} is not legacy or cloud")
        if not _KEY.fullmatch(key):
            raise ValueError(
                f"{key[:_SHOWN_MAX]!r} is no object: order:CHANNEL:REFERENCE or "
                "store-day:STORE:YYYY-MM-DD"
            )
        return key, owner

    def _cells(self, text: str) -> list[str]:
        if '"' not in text:
            return text.split(self._separator)
        return next(csv.reader([text], delimiter=self._separator, strict=True), [])
