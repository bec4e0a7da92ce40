"""Crosswalks as files: CSV with a header, read with every problem of every line named."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Final, TextIO

from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.errors import FileProblem, FileRefused
from gateway.mapping.crosswalk import ANY_SOURCE

COLUMNS: Final = ("channel", "source", "legacy", "cloud", "valid_from", "valid_until")
_NEEDED: Final = frozenset({"source", "legacy", "cloud"})
_PROBLEMS_MAX: Final = 100

#: What a code of each kind may look like in an ERP: as the canonical documents have it, so that a
#: translated document can still be read.
_TARGET: Final = {
    CrosswalkKind.SKU: re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,34}"),
    CrosswalkKind.TAX: re.compile(r"[!-~]{1,40}"),
    CrosswalkKind.TENDER: re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}"),
    CrosswalkKind.LOCATION: re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}"),
    CrosswalkKind.CUSTOMER: re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,16}"),
}


def read(kind: CrosswalkKind, text: TextIO, channels: Iterable[str]) -> list[Crossing]:
    """Read a table; raise :class:`FileRefused` naming each line that is wrong.

    ``channels`` are those the configuration knows.
    """
    known = frozenset(channels)
    reader = csv.DictReader(text, strict=True)
    _check_header(reader.fieldnames or ())
    rows: list[tuple[int, Crossing]] = []
    problems: list[FileProblem] = []
    try:
        for record in reader:
            row, wrong = _row(kind, reader.line_num, record, known)
            rows.append((reader.line_num, row))
            problems += wrong
    except csv.Error as error:
        problems.append(FileProblem(reader.line_num, "", f"cannot be read as CSV: {error}"))
    problems += _overlaps(rows)
    if problems:
        in_order = sorted(problems, key=lambda it: it.line)
        raise FileRefused.of(in_order[:_PROBLEMS_MAX], len(in_order))
    return [row for _, row in rows]


def write(rows: Iterable[Crossing], text: TextIO) -> None:
    """Write a table as :func:`read` reads it."""
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(["" if it is None else it for it in row])


def _check_header(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    missing = sorted(_NEEDED - set(names))
    if unknown or missing:
        what = f"no column {', '.join(missing)}" if missing else f"unknown column {unknown[0]!r}"
        raise FileRefused.of(
            [FileProblem(1, "", f"{what}; the first line names {', '.join(COLUMNS)}")]
        )


def _row(
    kind: CrosswalkKind, line: int, record: dict[str, str], channels: frozenset[str]
) -> tuple[Crossing, list[FileProblem]]:
    problems: list[FileProblem] = []
    values = {name: (record.get(name) or "").strip() for name in COLUMNS}
    if None in record or None in record.values():
        problems.append(FileProblem(line, "", "more or fewer fields than the header has"))
    if values["channel"] and values["channel"] not in channels:
        known = ", ".join(sorted(channels))
        text = f"{values['channel']!r} is not a channel; known are {known}, or empty for any"
        problems.append(FileProblem(line, "channel", text))
    if not values["source"]:
        text = f"is empty; give the channel's code, or {ANY_SOURCE} for every other one"
        problems.append(FileProblem(line, "source", text))
    for erp in ("legacy", "cloud"):
        if values[erp] and not _TARGET[kind].fullmatch(values[erp]):
            text = f"{values[erp]!r} cannot be a {kind} code; it must match {_TARGET[kind].pattern}"
            problems.append(FileProblem(line, erp, text))
    days: list[date | None] = []
    for name in ("valid_from", "valid_until"):
        try:
            days.append(date.fromisoformat(values[name]) if values[name] else None)
        except ValueError:
            days.append(None)
            problems.append(
                FileProblem(line, name, f"{values[name]!r} is not a date such as 2026-11-30")
            )
    if days[0] and days[1] and days[0] >= days[1]:
        problems.append(FileProblem(line, "valid_until", f"{days[1]} is not after {days[0]}"))
    row = Crossing(
        values["channel"], values["source"], values["legacy"], values["cloud"], days[0], days[1]
    )
    return row, problems


def _overlaps(rows: Sequence[tuple[int, Crossing]]) -> list[FileProblem]:
    """Two rows for one code may follow each other, but never hold on the same day."""
    by_code: dict[tuple[str, str], list[tuple[int, Crossing]]] = defaultdict(list)
    for line, row in rows:
        by_code[row.channel, row.source].append((line, row))
    problems = []
    for same in by_code.values():
        in_time = sorted(same, key=lambda it: it[1].valid_from or date.min)
        for (line, row), (other_line, other) in pairwise(in_time):
            if row.valid_until is None or row.valid_until > (other.valid_from or date.min):
                text = (
                    f"{row.source!r} is in line {line} too, for days they share; give one a "
                    "valid_until, or leave one out"
                )
                problems.append(FileProblem(other_line, "source", text))
    return problems
