"""Who wins where: the rules of one process cut its requests into regions, one winner each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.routing.model import Mode, Rule
from gateway.routing.region import Region, intersection, region_of, subtract


class Piece(NamedTuple):
    """Requests for which ``rule`` wins."""

    region: Region
    rule: Rule


class Winners:
    """The rules of one process, from the most specific down, found by the values they name."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = sorted(rules, key=lambda it: (it.specificity, it.rule_id), reverse=True)
        self._turn = {it.rule_id: at for at, it in enumerate(self.rules)}
        counts = Counter(name for it in self.rules if not it.has_prefix for name, _ in it.when)
        self._pivot = max(counts, key=lambda name: (counts[name], name), default="")
        self._by_value: dict[str, list[Rule]] = defaultdict(list)
        self._others: list[Rule] = []
        for rule in self.rules:
            named = dict(rule.when).get(self._pivot)
            if named is None or rule.has_prefix:
                self._others.append(rule)
            else:
                for value in named:
                    self._by_value[value].append(rule)

    def pieces_of(self, rule: Rule) -> list[Region]:
        """Return the requests a rule wins, as disjoint regions."""
        left = [region_of(rule)]
        for other in self._meeting(left[0]):
            if other.specificity > rule.specificity:
                left = _without(left, region_of(other))
        return left

    def within(self, region: Region) -> Iterator[Piece]:
        """Cut a region by who wins there."""
        left = [region]
        for rule in self._meeting(region):
            if not left:
                return
            here = region_of(rule)
            for piece in left:
                won = intersection(piece, here)
                if won is not None:
                    yield Piece(won, rule)
            left = _without(left, here)

    def won_by(self, modes: Sequence[Mode]) -> Iterator[Piece]:
        """Yield what rules of these modes win."""
        for rule in self.rules:
            if rule.mode in modes:
                yield from (Piece(region, rule) for region in self.pieces_of(rule))

    def _meeting(self, region: Region) -> list[Rule]:
        """Return the rules that match something of a region, the most specific first."""
        values = region.values.get(self._pivot)
        if values is None or values.stems:
            candidates: Iterable[Rule] = self.rules
        else:
            named = (it for value in values.exact for it in self._by_value.get(value, ()))
            candidates = sorted(
                {it.rule_id: it for it in (*self._others, *named)}.values(),
                key=lambda it: self._turn[it.rule_id],
            )
        return [it for it in candidates if intersection(region, region_of(it)) is not None]


def _without(regions: Iterable[Region], hole: Region) -> list[Region]:
    return [piece for region in regions for piece in subtract(region, hole)]
