"""Numbers that registers lost, by their stores' books, against what the gateway reports as missing.

A number can only be missed between two that came: what a register lost before its first or behind
its last one, nobody but its store can know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from loadtests.errors import BadFile
from loadtests.findings import Finding

#: What a register does that has a number.
_NUMBERED = frozenset({"sale", "void", "control"})


class Gap(NamedTuple):
    """Numbers ``first`` to ``last`` (included) of a register that are reported as missing."""

    store: str
    register: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """``lost``: (store, register, number) by the books; ``reported``: what the gateway misses."""

    lost: frozenset[tuple[str, str, int]]
    reported: tuple[Gap, ...]


def lost_in(books: Sequence[Mapping[str, Any]]) -> frozenset[tuple[str, str, int]]:
    """Return what stores' books say was lost and can be missed. Raises BadFile."""
    lost: dict[tuple[str, str], set[int]] = defaultdict(set)
    came: dict[tuple[str, str], set[int]] = defaultdict(set)
    try:
        for it in books:
            if it["kind"] in _NUMBERED:
                into = lost if it["lost"] else came
                into[it["store"], it["register"]].add(int(it["number"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile("books of the stores", "", f"cannot be read: {error!r}") from error
    return frozenset(
        (*till, number)
        for till, numbers in lost.items()
        for number in numbers - came[till]
        if came[till] and min(came[till]) < number < max(came[till])
    )


def reported_in(report: Sequence[Mapping[str, Any]]) -> tuple[Gap, ...]:
    """Return the gaps of ``coexist stores report --json``. Raises BadFile."""
    try:
        return tuple(
            Gap(day["store"], it["register"], int(first), int(last))
            for day in report
            for it in day["registers"]
            for first, last in it["gaps"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile("report of the stores", "", f"cannot be read: {error!r}") from error


def wrong_gaps(gaps: Gaps) -> Iterable[Finding]:
    """Yield what was lost and is not reported, and what is reported and was not lost."""
    unexplained = set(gaps.lost)
    for gap in gaps.reported:
        mine = {
            it for it in gaps.lost if it[:2] == gap[:2] and gap.first <= it[2] <= gap.last
        }  # fmt: skip
        unexplained -= mine
        size = gap.last - gap.first + 1
        if size != len(mine):
            what = f"{gap.first} to {gap.last} are reported as missing, {len(mine)} of {size} are"
            yield Finding("wrong_gap", f"{gap.store}/{gap.register}", what, "coexist stores report")
    for store, register, number in sorted(unexplained):
        what = f"number {number} was lost, and is not reported as missing"
        yield Finding("wrong_gap", f"{store}/{register}", what, "books of the stores")
