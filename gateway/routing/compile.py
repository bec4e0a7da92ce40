"""Rules compiled to an index, so that the cost of a decision does not grow with their number.

Rules of one process that look at the same dimensions share one table from values to outcome. A
decision tries these tables from the most specific down, one look-up each: it costs as much as
there are *combinations of dimensions* in use, however many rules fill them. Most rules of a
migration name one dimension in common, usually the legal entity; this *pivot* is looked up first
and tells which tables have any rule for its value, so that few of them are tried in vain. Every
decision is built beforehand; only a split computes anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from operator import itemgetter
from sys import intern
from typing import Any, Final, NamedTuple, TypeAlias

from gateway.canonical.process import Target
from gateway.errors import RulesUnavailable
from gateway.routing.facts import Decision, Facts
from gateway.routing.model import DATE, TARGETS, Mode, Rule, percent_text
from gateway.routing.ruleset import RuleSet
from gateway.routing.sticky import goes_to_cloud

#: An open end of a range of days: later than any ISO date as text.
_NEVER: Final = "9999-99-99"

_INDEX: Final = {name: index for index, name in enumerate(Facts._fields)}
_DATE_INDEX: Final = _INDEX[DATE]


class _Split:
    """Two decisions and how to choose; without the sticky fact there is nothing to choose by."""

    __slots__ = ("_cloud", "_index", "_legacy", "_percent_hundredths", "_sticky_by", "_unknown")

    def __init__(self, rule: Rule, version: str) -> None:
        share = f"split of {percent_text(rule.percent_hundredths)} % by {rule.sticky_by}"
        self._sticky_by = rule.sticky_by
        self._index = _INDEX[rule.sticky_by]
        self._percent_hundredths = rule.percent_hundredths
        self._cloud = Decision(Target.CLOUD, rule.rule_id, version, f"{share}: cloud side")
        self._legacy = Decision(Target.LEGACY, rule.rule_id, version, f"{share}: legacy side")
        self._unknown = Decision(
            Target.LEGACY, rule.rule_id, version, f"no {rule.sticky_by} to split by"
        )

    def side(self, facts: Facts) -> Decision:
        """Return the decision for one request."""
        value: str = facts[self._index]
        if not value:
            return self._unknown
        cloud = goes_to_cloud(self._sticky_by, value, self._percent_hundredths)
        return self._cloud if cloud else self._legacy


_Outcome: TypeAlias = Decision | _Split


class _Days:
    """Outcomes by business day: ranges that do not overlap, found by bisection."""

    __slots__ = ("_firsts", "_lasts", "_outcomes")

    def __init__(self, ranges: Iterable[tuple[str, str, _Outcome]]) -> None:
        in_order = sorted(ranges, key=itemgetter(0))
        self._firsts = [first for first, _, _ in in_order]
        self._lasts = [last or _NEVER for _, last, _ in in_order]
        self._outcomes = [outcome for _, _, outcome in in_order]

    def on(self, day: str) -> _Outcome | None:
        """Return what a day's range says, or None if no range has that day."""
        at = bisect_right(self._firsts, day) - 1
        return self._outcomes[at] if day and at >= 0 and day <= self._lasts[at] else None


_Key: TypeAlias = Callable[[Facts], Any]
_Table: TypeAlias = dict[Any, "Decision | _Split | _Days"]
_Step: TypeAlias = tuple[_Key, Callable[[Any], "Decision | _Split | _Days | None"]]
_Steps: TypeAlias = tuple[_Step, ...]  #: look-ups in the order they are tried
_Dimensions: TypeAlias = tuple[str, ...]


class _Plan(NamedTuple):
    """How to decide one process: the steps by the pivot's value, or ``steps`` for any other."""

    pivot_index: int
    steps_by_pivot: dict[str, _Steps]
    steps: _Steps
    default: _Outcome


class Compiled:
    """A rule set ready to decide; immutable, so any number of requests may share it."""

    __slots__ = ("_plans", "rule_set", "version")

    def __init__(self, rule_set: RuleSet, plans: dict[str, _Plan]) -> None:
        self.rule_set = rule_set
        self.version = rule_set.version
        self._plans = plans

    def decide(self, facts: Facts) -> Decision:
        """Return where a request goes: pure, no clock, no chance, no I/O.

        Raise :class:`RulesUnavailable` for a process these rules have no default for, which is
        possible only for rules applied by a release that did not know the process yet.
        """
        try:
            pivot_index, steps_by_pivot, steps, default = self._plans[facts[0]]
        except KeyError:
            raise RulesUnavailable(
                f"rule version {self.version} has no default for process '{facts.process}'; "
                "add one to defaults.yaml and apply the rules"
            ) from None
        for key, look_up in steps_by_pivot.get(facts[pivot_index], steps):
            found = look_up(key(facts))
            if found is None:
                continue
            outcome = found.on(facts[_DATE_INDEX]) if isinstance(found, _Days) else found
            if outcome is not None:
                return outcome.side(facts) if isinstance(outcome, _Split) else outcome
        return default.side(facts) if isinstance(default, _Split) else default


def compile_rules(rule_set: RuleSet) -> Compiled:
    """Build the index of a rule set that ``load`` has checked or ``parse`` has read."""
    by_process: dict[str, list[Rule]] = defaultdict(list)
    for rule in rule_set.rules:
        by_process[rule.process].append(rule)
    plans = {}
    for process, rules in by_process.items():
        defaults = [rule for rule in rules if rule.is_default]
        if defaults:
            default = _outcome(defaults[0], rule_set.version)
            plans[process] = _plan(rules, default, rule_set.version)
    return Compiled(rule_set, plans)


def _plan(rules: Iterable[Rule], default: _Outcome, version: str) -> _Plan:
    by_dimensions: dict[_Dimensions, list[Rule]] = defaultdict(list)
    for rule in rules:
        if not rule.is_default:
            by_dimensions[rule.dimensions].append(rule)
    most_specific_first = sorted(by_dimensions, key=lambda names: (-len(names), names))
    steps: dict[_Dimensions, _Step] = {
        names: (_key(names), _table(by_dimensions[names], version).get)
        for names in most_specific_first
    }
    pivot = _pivot(most_specific_first)
    unpivoted = {names for names in steps if pivot not in names}
    shared: dict[frozenset[_Dimensions], _Steps] = {}  # values with the same steps share them

    def steps_of(combinations: Iterable[_Dimensions]) -> _Steps:
        wanted = unpivoted.union(combinations)
        in_order = tuple(step for names, step in steps.items() if names in wanted)
        return shared.setdefault(frozenset(wanted), in_order)

    by_value = _combinations_by_value(by_dimensions, pivot)
    steps_by_pivot = {value: steps_of(combinations) for value, combinations in by_value.items()}
    return _Plan(_INDEX[pivot], steps_by_pivot, steps_of(()), default)


def _pivot(combinations: Iterable[_Dimensions]) -> str:
    """Return the dimension most combinations have; the process itself if there is none."""
    counts = Counter(name for names in combinations for name in names if name != DATE)
    return min(counts, key=lambda name: (-counts[name], name), default="process")


def _combinations_by_value(
    by_dimensions: Mapping[_Dimensions, Iterable[Rule]], pivot: str
) -> dict[str, set[_Dimensions]]:
    """Return, for each value of the pivot, the combinations of dimensions that have it."""
    found: dict[str, set[_Dimensions]] = defaultdict(set)
    for names, rules in by_dimensions.items():
        for rule in rules:
            for value in dict(rule.when).get(pivot, ()):
                found[intern(value)].add(names)
    return found


def _key(dimensions: _Dimensions) -> _Key:
    """Return what picks a table's key from the facts: a text for one dimension, else a tuple."""
    names = [name for name in dimensions if name != DATE] or ["process"]
    return itemgetter(*(_INDEX[name] for name in names))


def _table(rules: Iterable[Rule], version: str) -> _Table:
    table: _Table = {}
    days: dict[Any, list[tuple[str, str, _Outcome]]] = defaultdict(list)
    for rule in rules:
        outcome = _outcome(rule, version)
        for values in product(*(map(intern, values) for _, values in rule.when)):
            key = values[0] if len(values) == 1 else values or rule.process
            if rule.dates is None:
                table[key] = outcome
            else:
                days[key].append((rule.dates.first, rule.dates.last, outcome))
    table.update((key, _Days(ranges)) for key, ranges in days.items())
    return table


def _outcome(rule: Rule, version: str) -> _Outcome:
    if rule.mode is Mode.SPLIT:
        return _Split(rule, version)
    names = " + ".join(rule.dimensions)
    matched = f"matches {names}" if names else f"default of {rule.process}"
    reason = f"{matched}: the owner decides" if rule.mode is Mode.OWNER else matched
    return Decision(TARGETS.get(rule.mode), rule.rule_id, version, reason, rule.shadow)
