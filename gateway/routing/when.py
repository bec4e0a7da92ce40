"""The ``when`` of a rule: which requests it matches, from YAML to values."""

from __future__ import annotations

import re
from datetime import date
from math import prod
from typing import Final, NamedTuple

from gateway.canonical.process import PROCESSES, Process
from gateway.routing.model import DATE, DateRange, Vocabulary
from gateway.routing.sheet import Sheet, Value, did_you_mean

#: Combinations of values one rule may stand for: each becomes an entry of the index.
COMBINATIONS_MAX: Final = 10_000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_RANGE: Final = "write {from: YYYY-MM-DD, to: YYYY-MM-DD}; both count, either may be left out"


class When(NamedTuple):
    """What a rule matches, as :class:`~gateway.routing.model.Rule` holds it."""

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dates: DateRange | None = None


def read_when(sheet: Sheet, vocabulary: Vocabulary, at: Value, process: Process) -> When:
    """Return a rule's condition; what is wrong with it is on the sheet and left out."""
    named = _dimensions(sheet, at, process)
    bounds = named.pop(DATE, None)
    values = {name: _values(sheet, vocabulary, name, each) for name, each in sorted(named.items())}
    combinations = prod(map(len, values.values()))
    if combinations > COMBINATIONS_MAX:
        sheet.report(
            at, f"stands for {combinations} combinations of values",
            f"keep to {COMBINATIONS_MAX}: route by fewer dimensions, or by a coarser one",
        )  # fmt: skip
    return When(tuple(values.items()), None if bounds is None else _dates(sheet, bounds))


def _dimensions(sheet: Sheet, at: Value, process: Process) -> dict[str, Value]:
    """Return the values by dimension, reporting those the process is not routed by."""
    every = dict.fromkeys(name for each in PROCESSES.values() for name in each.basis)
    named = sheet.mapping(at, every, process.basis) or {}
    for name in [name for name in named if name not in process.basis]:
        sheet.report(
            named.pop(name), f"{process.name} is not routed by '{name}'",
            f"its dimensions are {', '.join(process.basis)}",
        )  # fmt: skip
    return named


def _values(sheet: Sheet, vocabulary: Vocabulary, dimension: str, at: Value) -> tuple[str, ...]:
    values = sheet.texts(at)
    if at.is_empty and not at.is_mapping:
        sheet.report(at, "is an empty list", "name at least one value, or remove the key")
    known = vocabulary.known(dimension)
    for text, place in values:
        if known is not None and text not in known:
            sheet.report(place, f"unknown {dimension} '{text}'", did_you_mean(text, sorted(known)))
    return tuple(sorted(text for text, _ in values))


def _dates(sheet: Sheet, at: Value) -> DateRange | None:
    if not at.is_mapping or at.is_empty:
        sheet.report(at, "is not a range of days", _RANGE)
        return None
    bounds = sheet.mapping(at, ("from", "to")) or {}
    first, last = (_day(sheet, bounds[end]) if end in bounds else "" for end in ("from", "to"))
    if first and last and first > last:
        sheet.report(at, f"ends on {last}, before it begins on {first}", "swap 'from' and 'to'")
    return DateRange(first, last)


def _day(sheet: Sheet, at: Value) -> str:
    """Return an ISO day; "" if it is none, which is reported."""
    text = sheet.text(at)
    if text is None or _is_day(text):
        return text or ""
    sheet.report(at, f"'{text}' is not a day", "write YYYY-MM-DD")
    return ""


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False
