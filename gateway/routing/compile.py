"""Rules compiled to an index, so that the cost of a decision does not grow with their number.

Rules of one process that look at the same dimensions share one table from values to outcome. A
decision tries these tables from the most specific down, one look-up each: it costs as much as
there are *combinations of dimensions* in use, however many rules fill them. A prefix is looked up
by as many characters of the fact, so prefixes of each length have a table of their own. Most rules
of a migration name one dimension in common, usually the legal entity; this *pivot* is looked up
first and tells which tables have any rule for its value, so that few of them are tried in vain.
Every decision is built beforehand; only a split computes anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from operator import itemgetter
from sys import intern
from typing import Any, Final, NamedTuple, TypeAlias

from gateway.errors import RulesUnavailable
from gateway.routing.facts import Decision, Facts
from gateway.routing.implied import implied
from gateway.routing.model import ANY_REST, DATE, Rule, Specificity
from gateway.routing.outcomes import Days, Outcome, Split, outcome_of
from gateway.routing.ruleset import RuleSet

_INDEX: Final = {name: index for index, name in enumerate(Facts._fields)}
_DATE_INDEX: Final = _INDEX[DATE]

#: Rules compiled between two calls of ``pause``: about a quarter of a millisecond.
_PAUSE_RULES: Final = 50


class _Look(NamedTuple):
    """What one table is for: rules of one rank that look at the same parts of the same facts.

    ``lengths`` has, per dimension, the characters of the fact to look up, 0 for all of it.
    """

    rank: Specificity
    names: tuple[str, ...]
    lengths: tuple[int, ...]
    dated: bool


_Key: TypeAlias = Callable[[Facts], Any]
_Table: TypeAlias = dict[Any, "Outcome | Days"]
_Step: TypeAlias = tuple[_Key, Callable[[Any], "Outcome | Days | None"]]
_Steps: TypeAlias = tuple[_Step, ...]  #: look-ups in the order they are tried
_Entry: TypeAlias = tuple[tuple[str, ...], Rule]  #: values to look up, and the rule they belong to


class _Plan(NamedTuple):
    """How to decide one process: the steps by the pivot's value, or ``steps`` for any other."""

    pivot_index: int
    steps_by_pivot: dict[str, _Steps]
    steps: _Steps
    default: Outcome


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
        outcome = self.outcome(facts)
        return outcome.side(facts) if isinstance(outcome, Split) else outcome

    def outcome(self, facts: Facts) -> Outcome:
        """Return what the winning rule says, a split not yet decided; raises as ``decide`` does."""
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
            outcome = found.on(facts[_DATE_INDEX]) if isinstance(found, Days) else found
            if outcome is not None:
                return outcome
        return default


def compile_rules(rule_set: RuleSet, pause: Callable[[], None] = lambda: None) -> Compiled:
    """Build the index of a rule set that ``load`` has checked or ``parse`` has read.

    ``pause`` is called between small pieces of the work, for a thread to let others run.
    """
    by_process: dict[str, list[Rule]] = defaultdict(list)
    for rule in (*rule_set.rules, *implied(rule_set.rules)):
        by_process[rule.process].append(rule)
    plans = {}
    for process, rules in by_process.items():
        defaults = [rule for rule in rules if rule.is_default]
        if defaults:
            default = outcome_of(defaults[0], rule_set.version)
            plans[process] = _plan(rules, default, rule_set.version, pause)
    return Compiled(rule_set, plans)


def _plan(
    rules: Iterable[Rule], default: Outcome, version: str, pause: Callable[[], None]
) -> _Plan:
    entries: dict[_Look, list[_Entry]] = defaultdict(list)
    for at, rule in enumerate(rules):
        if at % _PAUSE_RULES == 0:
            pause()
        if not rule.is_default:
            for look, values in _looks(rule):
                entries[look].append((values, rule))
    outcomes: dict[int, Outcome] = {}
    steps: dict[_Look, _Step] = {
        look: (_key(look), _table(entries[look], outcomes, version, pause).get)
        for look in sorted(entries, key=_turn)
    }
    pivot = _pivot(entries)
    unpivoted = frozenset(look for look in steps if not _pivots(look, pivot))
    shared: dict[frozenset[_Look], _Steps] = {}  # values with the same steps share them

    def steps_of(looks: Iterable[_Look]) -> _Steps:
        wanted = unpivoted.union(looks)
        found = shared.get(wanted)
        if found is None:
            in_order = tuple(step for look, step in steps.items() if look in wanted)
            found = shared[wanted] = in_order
        return found

    by_value = _looks_by_value(entries, pivot)
    steps_by_pivot = {value: steps_of(looks) for value, looks in by_value.items()}
    return _Plan(_INDEX[pivot], steps_by_pivot, steps_of(()), default)


def _looks(rule: Rule) -> Iterator[tuple[_Look, tuple[str, ...]]]:
    """Yield each combination of a rule's values, with the table it belongs into."""
    names = tuple([name for name, _ in rule.when])
    exact = _Look(rule.specificity, names, (0,) * len(names), rule.dates is not None)
    combinations = product(*[values for _, values in rule.when])
    if not rule.has_prefix:
        for values in combinations:
            yield exact, tuple(map(intern, values))
        return
    for patterns in combinations:
        ends = [it.endswith(ANY_REST) and len(it) - len(ANY_REST) for it in patterns]
        look = exact._replace(lengths=tuple(map(int, ends)))
        yield look, tuple([intern(it.removesuffix(ANY_REST)) for it in patterns])


def _turn(look: _Look) -> tuple[object, ...]:
    """Sort tables from the most specific down; equals cannot match the same request."""
    rank = look.rank
    return (-rank.dimensions, -rank.exact, -rank.prefixes, look.names, look.dated, look.lengths)


def _pivots(look: _Look, pivot: str) -> bool:
    """Whether a table looks the pivot up as a whole, so that the pivot's value can tell of it."""
    return pivot in look.names and not look.lengths[look.names.index(pivot)]


def _pivot(looks: Iterable[_Look]) -> str:
    """Return the dimension most tables look up as a whole; the process itself if there is none."""
    counts = Counter(name for look in looks for name in look.names if _pivots(look, name))
    return min(counts, key=lambda name: (-counts[name], name), default="process")


def _looks_by_value(entries: Mapping[_Look, Iterable[_Entry]], pivot: str) -> dict[str, set[_Look]]:
    """Return, for each value of the pivot, the tables that have it."""
    found: dict[str, set[_Look]] = defaultdict(set)
    for look, those in entries.items():
        if _pivots(look, pivot):
            at = look.names.index(pivot)
            for values, _ in those:
                found[values[at]].add(look)
    return found


def _key(look: _Look) -> _Key:
    """Return what picks a table's key from the facts: a text for one dimension, else a tuple."""
    at = [_INDEX[name] for name in look.names] or [_INDEX["process"]]
    if not any(look.lengths):
        return itemgetter(*at)
    ends = [length or None for length in look.lengths]
    if len(at) == 1:
        index, end = at[0], ends[0]
        return lambda facts: facts[index][:end]
    parts = tuple(zip(at, ends, strict=True))
    return lambda facts: tuple([facts[index][:end] for index, end in parts])


def _table(
    entries: Iterable[_Entry],
    outcomes: dict[int, Outcome],
    version: str,
    pause: Callable[[], None],
) -> _Table:
    """Fill one table; ``outcomes`` are shared by the combinations of one rule."""
    table: _Table = {}
    days: dict[Any, list[tuple[str, str, Outcome]]] = defaultdict(list)
    for number, (values, rule) in enumerate(entries):
        if number % _PAUSE_RULES == 0:
            pause()
        outcome = outcomes.get(id(rule))
        if outcome is None:
            outcome = outcomes[id(rule)] = outcome_of(rule, version)
        key = values[0] if len(values) == 1 else values or rule.process
        if rule.dates is None:
            table[key] = outcome
        else:
            days[key].append((rule.dates.first, rule.dates.last, outcome))
    table.update((key, Days(ranges)) for key, ranges in days.items())
    return table
