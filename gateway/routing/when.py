"""The ``when`` of a rule: which requests it matches, from YAML to values."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from datetime import date
from math import prod
from typing import Final, NamedTuple

from gateway.canonical.process import PROCESSES, Process
from gateway.routing.model import ANY_REST, DATE, DateRange, Vocabulary
from gateway.routing.sheet import Sheet, Value, did_you_mean

#: Combinations of values one rule may stand for: each becomes an entry of the index.
COMBINATIONS_MAX: Final = 10_000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBERED: Final = re.compile(r"(.*?)([0-9]+)")
_NUMBERS: Final = (
    "{from: NL-001, to: NL-020}: the same text but for the number at its end, with as many digits"
)
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
    """Return values and prefixes, ranges written out."""
    if at.is_empty and not at.is_mapping:
        sheet.report(at, "is an empty list", "name at least one value, or remove the key")
    known = vocabulary.known(dimension)
    found: dict[str, Value] = {}
    for item in sheet.items(at) if at.is_list else [at]:
        patterns = _patterns(sheet, item)
        for text in patterns:
            # A range may have gaps, where a store was closed; but not at its ends.
            if len(patterns) > 1 and text not in (patterns[0], patterns[-1]):
                found.setdefault(text, item)
            elif text in found:
                sheet.report(item, f"'{text}' stands twice in the list", "remove one of them")
            elif _is_known(sheet, dimension, known, text, item):
                found[text] = item
    stems = [text for text in found if text.endswith(ANY_REST)]
    for text, item in found.items():
        wider = next((it for it in stems if it != text and text.startswith(it[:-1])), None)
        if wider is not None:
            sheet.report(item, f"'{text}' is part of '{wider}' in the same list", "remove it")
    return tuple(sorted(found))


def _patterns(sheet: Sheet, at: Value) -> list[str]:
    """Return what one item says: a value, a prefix, or all values of a range."""
    if at.is_mapping:
        return _range(sheet, at)
    text = sheet.text(at)
    if text is None:
        return []
    if text == ANY_REST:
        sheet.report(at, "matches everything", "remove the key: then any value will do")
        return []
    if ANY_REST in text[:-1]:
        sheet.report(
            at, f"'{text}' has a '*' that does not end it",
            "a prefix is written PREFIX*, and nothing else may hold a '*'",
        )  # fmt: skip
        return []
    return [text]


def _range(sheet: Sheet, at: Value) -> list[str]:
    """Return the values of ``{from: NL-001, to: NL-020}``, both ends included."""
    if sorted(key.value for key, _ in at.node.value) != ["from", "to"]:
        sheet.report(at, "is not a value", f"write a word, a prefix such as NL-*, or {_NUMBERS}")
        return []
    found = sheet.mapping(at, ("from", "to")) or {}
    first, last = sheet.text(found["from"]), sheet.text(found["to"])
    if first is None or last is None:
        return []
    one, other = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    if not one or not other or one[1] != other[1] or len(first) != len(last):
        sheet.report(at, f"from '{first}' to '{last}' is not a range", f"write {_NUMBERS}")
        return []
    low, high = int(one[2]), int(other[2])
    if low > high:
        sheet.report(at, f"ends with {last}, before {first}", "swap 'from' and 'to'")
        return []
    if high - low >= COMBINATIONS_MAX:
        sheet.report(
            at, f"stands for {high - low + 1} values",
            f"keep to {COMBINATIONS_MAX}: write a prefix, such as {one[1] or 'NL-'}*",
        )  # fmt: skip
        return []
    return [f"{one[1]}{number:0{len(one[2])}d}" for number in range(low, high + 1)]


def _is_known(
    sheet: Sheet, dimension: str, known: AbstractSet[str] | None, text: str, at: Value
) -> bool:
    """Report a value this installation does not have, or a prefix none of its values has."""
    if (
        known is None
        or text in known
        or (text.endswith(ANY_REST) and any(each.startswith(text[:-1]) for each in known))
    ):
        return True
    if text.endswith(ANY_REST):
        sheet.report(
            at, f"no {dimension} begins with '{text[:-1]}'", did_you_mean("", sorted(known))
        )
    else:
        sheet.report(at, f"unknown {dimension} '{text}'", did_you_mean(text, sorted(known)))
    return False


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
