"""What two systems answered to the same question, compared as people would.

Amounts may differ by a tolerance, instants by a time skew, lines may come in any order, and some
fields are not compared at all. What is left are differences, each with a path: ``lines[2].amount``
is the amount of the line with number 2, ``lines[].amount`` is what all such are counted under.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeGuard

#: Differences told of one comparison; an answer of another kind altogether has no more to say.
DIFFERENCES_MAX: Final = 50

_NUMBERED: Final = re.compile(r"\[[^\]]*\]")

#: Shown where a value is none, as against an empty text.
ABSENT: Final = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs; values are texts as written, or :data:`ABSENT`."""

    path: str
    control: str
    candidate: str

    @property
    def field(self) -> str:
        """The path without which line it was."""
        return _NUMBERED.sub("[]", self.path)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How to compare; fields are named as :attr:`Difference.field` names them.

    ``ignored`` takes in all below a field. ``money`` are compared as decimals within
    ``tolerance``, ``instants`` within ``skew_s`` seconds. ``keys`` says by which member the items
    of a list belong together; lists that are not named are compared as multisets.
    """

    ignored: frozenset[str] = frozenset()
    money: frozenset[str] = frozenset()
    tolerance: Decimal = Decimal(0)
    instants: frozenset[str] = frozenset()
    skew_s: float = 0.0
    keys: Mapping[str, str] = field(default_factory=dict)


def differences(control: object, candidate: object, how: Comparison) -> list[Difference]:
    """Return what differs between two JSON-like values, in the order of the control's fields."""
    found = []
    for difference in _compare("", control, candidate, how):
        found.append(difference)
        if len(found) == DIFFERENCES_MAX:
            break
    return found


def is_ignored(path: str, how: Comparison) -> bool:
    """Say whether a field, or anything it is part of, is not compared."""
    named = _NUMBERED.sub("[]", path)
    return any(named == it or named.startswith((f"{it}.", f"{it}[")) for it in how.ignored)


def _compare(
    path: str, control: object, candidate: object, how: Comparison
) -> Iterator[Difference]:
    if is_ignored(path, how):
        return
    if isinstance(control, Mapping) and isinstance(candidate, Mapping):
        for name in {**control, **candidate}:
            below = f"{path}.{name}" if path else str(name)
            yield from _compare(below, control.get(name), candidate.get(name), how)
    elif _is_list(control) and _is_list(candidate):
        yield from _compare_lists(path, control, candidate, how)
    elif not _alike(path, control, candidate, how):
        yield Difference(path, shown(control), shown(candidate))


def _compare_lists(
    path: str, control: Sequence[object], candidate: Sequence[object], how: Comparison
) -> Iterator[Difference]:
    key = how.keys.get(_NUMBERED.sub("[]", path))
    if key is None:
        left = [shown(it) for it in candidate]
        for item in map(shown, control):
            if item in left:
                left.remove(item)
            else:
                yield Difference(f"{path}[]", item, ABSENT)
        yield from (Difference(f"{path}[]", ABSENT, item) for item in left)
        return
    ours, theirs = (
        {shown(it.get(key)): it for it in side if isinstance(it, Mapping)}
        for side in (control, candidate)
    )
    for name in {**ours, **theirs}:
        yield from _compare(f"{path}[{name}]", ours.get(name), theirs.get(name), how)


def _alike(path: str, control: object, candidate: object, how: Comparison) -> bool:
    if control == candidate:
        return True
    if control is None or candidate is None:
        return False
    named = _NUMBERED.sub("[]", path)
    if named in how.money:
        return _near(control, candidate, how.tolerance)
    if named in how.instants:
        return _close(control, candidate, how.skew_s)
    return False


def _near(one: object, other: object, tolerance: Decimal) -> bool:
    try:
        return abs(Decimal(str(one)) - Decimal(str(other))) <= tolerance
    except InvalidOperation:
        return False


def _close(one: object, other: object, skew_s: float) -> bool:
    try:
        apart = datetime.fromisoformat(str(one)) - datetime.fromisoformat(str(other))
    except (TypeError, ValueError):  # no instant, or one of them without an offset
        return False
    return abs(apart.total_seconds()) <= skew_s


def shown(value: object) -> str:
    """Return a value as text; containers in one way only."""
    if value is None:
        return ABSENT
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {shown(value[k])}" for k in sorted(value)) + "}"
    if _is_list(value):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)
