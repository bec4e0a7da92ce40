"""Which rules of a process cannot win, or tie: found through indexes, not by comparing all pairs.

Of the rules that match a request the most specific one wins. A *tie* is a request that two rules
match with the same specificity, and no rule with a greater one. A rule is *covered* if other rules
that are at least as specific match all it matches.

Rules with prefixes are compared in pairs, among those of the same specificity: ``check`` bounds
their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations, combinations_with_replacement, groupby, product
from math import prod
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from gateway.routing.model import DATE, Rule, Specificity
from gateway.routing.region import Region, intersection, region_of, remainder

#: Ties and covered rules reported of one process; the rest shows up once these are resolved.
FOUND_MAX: Final = 100


class Tie(NamedTuple):
    """Two rules that match ``where`` alike, and nothing more specific does."""

    one: Rule
    other: Rule
    where: Region


class Covered(NamedTuple):
    """A rule that can never win, and those that always win over it."""

    rule: Rule
    by: tuple[Rule, ...]


_Mask: TypeAlias = tuple[tuple[str, ...], bool]  # dimensions with values; whether also dated
_Rows: TypeAlias = dict[tuple[str, ...], list[int]]  # values -> positions of rules


class Overlaps:
    """The index of one process's rules (without its default), by dimensions and values."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [rule for rule in rules if not rule.is_default]
        self._regions = [region_of(rule) for rule in self._rules]
        self._index: dict[_Mask, _Rows] = defaultdict(lambda: defaultdict(list))
        self._loose = [at for at, rule in enumerate(self._rules) if rule.has_prefix]
        for at, rule in enumerate(self._rules):
            if rule.has_prefix:
                continue
            rows = self._index[_mask(rule)]
            for values in product(*(values for _, values in rule.when)):
                rows[values].append(at)

    def found(self) -> tuple[list[Tie], list[Covered]]:
        """Return ties and covered rules; two rules of which one covers the other do not tie."""
        ties: list[Tie] = []
        covered: dict[int, Covered] = self._covered_by_days()
        for one, other in self._equally_specific():
            where = self._undecided(one, other)
            if where is None:
                continue
            loser = self._contained(one, other)
            if loser is not None:
                winner = other if loser == one else one
                covered.setdefault(loser, Covered(self._rules[loser], (self._rules[winner],)))
            else:
                ties.append(Tie(self._rules[one], self._rules[other], where))
            if len(ties) + len(covered) >= FOUND_MAX:
                break
        return ties, list(covered.values())

    def _equally_specific(self) -> Iterator[tuple[int, int]]:
        """Yield each pair of rules with as many dimensions that some request matches both of."""
        seen: set[tuple[int, int]] = set()
        masks = sorted(self._index)
        for one, other in combinations_with_replacement(masks, 2):
            if len(one[0]) + one[1] != len(other[0]) + other[1]:
                continue
            for pair in self._meeting(one, other):
                if pair not in seen:
                    seen.add(pair)
                    yield pair
        yield from self._equally_loose()

    def _equally_loose(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of rules with prefixes; no rule without one is as specific as they are."""

        def rank(at: int) -> Specificity:
            return self._rules[at].specificity

        for _, group in groupby(sorted(self._loose, key=rank), key=rank):
            for one, other in combinations(sorted(group), 2):
                if intersection(self._regions[one], self._regions[other]) is not None:
                    yield one, other

    def _meeting(self, one: _Mask, other: _Mask) -> Iterator[tuple[int, int]]:
        common = [name for name in one[0] if name in other[0]]
        if one == other:
            for row in self._index[one].values():
                yield from self._meeting_in(row)
            return
        left, right = self._projected(one, common), self._projected(other, common)
        for key in left.keys() & right.keys():
            for a, b in product(left[key], right[key]):
                if intersection(self._regions[a], self._regions[b]) is not None:
                    yield min(a, b), max(a, b)

    def _meeting_in(self, row: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield pairs of rules with the same values whose days meet: a sweep along the days."""
        in_order = sorted(row, key=lambda at: self._regions[at].first)
        for position, a in enumerate(in_order):
            for b in in_order[position + 1 :]:
                if self._regions[b].first > self._regions[a].last:
                    break
                yield min(a, b), max(a, b)

    def _projected(self, mask: _Mask, names: Sequence[str]) -> dict[Hashable, set[int]]:
        picked = [mask[0].index(name) for name in names]
        key = itemgetter(*picked) if picked else len
        rows: dict[Hashable, set[int]] = defaultdict(set)
        for values, positions in self._index[mask].items():
            rows[key(values) if picked else ()].update(positions)
        return rows

    def _undecided(self, one: int, other: int) -> Region | None:
        """Return requests both match and no more specific rule does, None if there are none."""
        both = intersection(self._regions[one], self._regions[other])
        if both is None:
            return None
        specificity = self._rules[one].specificity
        holes = self._inside(both, specificity)
        return remainder(both, [self._regions[at] for at in holes])

    def _inside(self, region: Region, above: Specificity) -> list[int]:
        """Return the rules more specific than ``above`` that can use up parts of ``region``.

        These name only dimensions that it names: others cannot use it up (open world).
        """
        inside = {
            at
            for at in self._loose
            if self._rules[at].specificity > above
            and region.values.keys() >= self._regions[at].values.keys()
        }
        for (names, dated), rows in self._index.items():
            rank = Specificity(len(names) + dated, len(names) + dated, 0)
            if rank <= above or not region.values.keys() >= set(names):
                continue
            allowed = [region.values[name] for name in names]
            keys: Iterable[tuple[str, ...]] = product(*(each.exact for each in allowed))
            open_ended = any(each.stems for each in allowed)
            if open_ended or prod(len(each.exact) for each in allowed) > len(rows):
                keys = (  # fewer rows than combinations: filter them
                    key for key in rows if all(v in vs for v, vs in zip(key, allowed, strict=True))
                )
            for key in keys:
                inside.update(rows.get(key, ()))
        return sorted(inside)

    def _covered_by_days(self) -> dict[int, Covered]:
        """Find rules without days below rules that differ by days only and name every day.

        Those may name less than a rule with a prefix does: a day is more specific than a prefix.
        """
        covered = {}
        dated = {_mask(rule)[0] for rule in self._rules if rule.dates is not None}
        for at, rule in enumerate(self._rules):
            names = _mask(rule)[0]
            below = rule.has_prefix and any(set(names).issuperset(it) for it in dated)
            if rule.dates is not None or not (below or names in dated):
                continue
            holes = self._inside(self._regions[at], rule.specificity)
            if remainder(self._regions[at], [self._regions[hole] for hole in holes]) is None:
                covered[at] = Covered(rule, tuple(self._rules[hole] for hole in holes))
        return covered

    def _contained(self, one: int, other: int) -> int | None:
        """Return the one of two tying rules that the other contains (the later, if they equal)."""
        for inner, outer in ((other, one), (one, other)):
            named = self._rules[inner].dimensions == self._rules[outer].dimensions
            if named and remainder(self._regions[inner], [self._regions[outer]]) is None:
                return inner
        return None


def _mask(rule: Rule) -> _Mask:
    return tuple(name for name, _ in rule.when), DATE in rule.dimensions
