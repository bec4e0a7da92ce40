"""What rules of all files do to each other: ids, defaults, waves, ties, rules that cannot win."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Final

from gateway.canonical.process import PROCESSES, Kind
from gateway.errors import RuleProblem
from gateway.routing.dependencies import lacking, unmet
from gateway.routing.model import ANY_REST, Place, Rule, default_mode
from gateway.routing.overlap import Covered, Overlaps, Tie
from gateway.routing.reader import Draft, WaveDraft
from gateway.routing.sheet import did_you_mean

#: Combinations of values all rules together may stand for: about 200 MB of index.
COMBINATIONS_MAX: Final = 500_000

#: Rules of one process that have prefixes: they are compared in pairs.
PREFIX_RULES_MAX: Final = 1_000

#: Dimensions with lengths of their prefixes that rules of one process have: each is one look-up of
#: every decision, of about a microsecond.
PREFIX_LENGTHS_MAX: Final = 32

_UNKNOWN: Final = Place("(rules)", 1, 1, "rules")


def check_drafts(
    drafts: Sequence[Draft], waves: Sequence[WaveDraft], defaults: Place | None
) -> list[RuleProblem]:
    """Return what is wrong between files; ``defaults`` is where a missing default belongs.

    None for ``defaults`` says that the file could not be read: then nothing is said to be missing.
    """
    rules = [draft.rule for draft in drafts if draft.rule is not None]
    return [
        *_twice(((d.rule_id, d.place) for d in drafts if d.rule_id is not None), "id"),
        *_twice(((w.wave.name, w.place) for w in waves), "wave"),
        *_defaults(drafts, defaults),
        *_unknown_waves(waves),
        *_circles(
            {it.wave.name: it.wave.depends_on for it in waves},
            {it.wave.name: it.place for it in waves},
            "the waves depend on each other",
        ),
        *_unmet(waves, rules),
        *_needs(rules),
        *check_rules(rules),
    ]


def check_rules(rules: Iterable[Rule]) -> list[RuleProblem]:
    """Return the ties and the rules that cannot win; their number and size is checked first."""
    by_process: dict[str, list[Rule]] = defaultdict(list)
    combinations = 0
    for rule in rules:
        by_process[rule.process].append(rule)
        combinations += prod(len(values) for _, values in rule.when)
        if combinations > COMBINATIONS_MAX:
            return [_problem(
                rule.place, f"up to '{rule.rule_id}' the rules stand for more than "
                f"{COMBINATIONS_MAX} combinations of values",
                "route by fewer dimensions, or by coarser ones",
            )]  # fmt: skip
    problems = []
    for process_rules in by_process.values():
        loose = [rule for rule in process_rules if rule.has_prefix]
        if len(loose) > PREFIX_RULES_MAX:
            problems.append(_problem(
                loose[PREFIX_RULES_MAX].place, f"{len(loose)} rules of one process have prefixes",
                f"keep to {PREFIX_RULES_MAX}: list the values, or write a range",
            ))  # fmt: skip
            continue
        problems += _many_lengths(loose)
        ties, covered = Overlaps(process_rules).found()
        problems += [_tie(tie) for tie in ties]
        problems += [_covered(each) for each in covered]
    return problems


def _many_lengths(loose: Iterable[Rule]) -> Iterator[RuleProblem]:
    """Report the rule at which prefixes of one process have too many different lengths."""
    looked_up: set[tuple[object, ...]] = set()
    for rule in loose:
        lengths = [
            {len(it) - len(ANY_REST) if it.endswith(ANY_REST) else 0 for it in values}
            for _, values in rule.when
        ]
        names = tuple(name for name, _ in rule.when)
        looked_up |= {(names, rule.dates is not None, each) for each in product(*lengths)}
        if len(looked_up) > PREFIX_LENGTHS_MAX:
            yield _problem(
                rule.place,
                f"up to '{rule.rule_id}' prefixes of {rule.process} have more than "
                f"{PREFIX_LENGTHS_MAX} lengths, counted by dimensions that are named together",
                "each costs every decision a look-up: give prefixes of a dimension one length",
            )
            return


def _tie(tie: Tie) -> RuleProblem:
    one, other = sorted((tie.one, tie.other), key=_reading_order)
    named = one.specificity.dimensions
    counted = f"{named} dimension{'s' * (named != 1)}"
    prefixes = ", with prefixes that are as long" if one.has_prefix else ""
    return _problem(
        other.place,
        f"overlap without a winner: '{other.rule_id}' and {one.label} both match {tie.where} "
        f"and both name {counted}{prefixes}",
        "make one of them narrower, or add a rule for what both match that names more dimensions",
    )


def _covered(covered: Covered) -> RuleProblem:
    by = ", ".join(rule.label for rule in covered.by)
    return _problem(
        covered.rule.place,
        f"unreachable: '{covered.rule.rule_id}' can never win, {by} match all it matches and "
        "name as many dimensions or more",
        "remove it, or change what it matches",
    )


def _twice(named: Iterable[tuple[str, Place]], what: str) -> Iterator[RuleProblem]:
    first: dict[str, Place] = {}
    for name, place in named:
        if name in first:
            problem = f"{what} '{name}' is used already, in {first[name]}"
            yield _problem(place, problem, "give it another one")
        first.setdefault(name, place)


def _defaults(drafts: Iterable[Draft], defaults: Place | None) -> Iterator[RuleProblem]:
    first: dict[str, Place] = {}
    for draft in drafts:
        if defaults is None or draft.process is None or draft.place.file != defaults.file:
            continue
        if draft.process in first:
            yield _problem(
                draft.place,
                f"{draft.process} has two defaults, the first in {first[draft.process]}",
                "keep one of them",
            )
        first.setdefault(draft.process, draft.place)
    for process in PROCESSES.values():
        needed = process.kind is not Kind.FOLLOW_UP  # that goes to the owner
        if needed and defaults is not None and process.name not in first:
            name = process.name.replace(".", "-")
            yield _problem(
                defaults,
                f"no default for {process.name}",
                f"add `- {{id: default-{name}, process: {process.name}, "
                f"mode: {default_mode(process)}}}`",
            )


def _unknown_waves(waves: Sequence[WaveDraft]) -> Iterator[RuleProblem]:
    known = sorted(each.wave.name for each in waves)
    for each in waves:
        for name, place in each.depends_on:
            if name not in known:
                yield _problem(place, f"unknown wave '{name}'", did_you_mean(name, known))


def _circles(
    after: Mapping[str, Sequence[str]], places: Mapping[str, Place], what: str
) -> Iterator[RuleProblem]:
    """Report each circle once, at the first of its names."""
    before = {name: [it for it in others if it in after] for name, others in after.items()}
    reported: set[frozenset[str]] = set()
    for start in sorted(before):
        circle = _circle_through(start, before)
        if circle and frozenset(circle) not in reported:
            reported.add(frozenset(circle))
            path = " -> ".join([*circle, start])
            yield _problem(
                places[start], f"{what} in a circle: {path}", "remove one of the dependencies"
            )


def _unmet(waves: Sequence[WaveDraft], rules: Sequence[Rule]) -> Iterator[RuleProblem]:
    places = {each.wave.name: dict(each.depends_on) for each in waves}
    for found in unmet((each.wave for each in waves), rules):
        yield _problem(
            places[found.wave][found.needs],
            f"'{found.wave}' moves business and depends on '{found.needs}', which moves none: "
            f"{found.why}",
            f"move '{found.needs}' first, or remove the dependency",
        )


def _needs(rules: Sequence[Rule]) -> Iterator[RuleProblem]:
    """Report processes that need each other, else what goes to the cloud without what it needs."""
    stated = {rule.process: rule for rule in rules if rule.needs}
    circles = list(_circles(
        {process: rule.needs for process, rule in stated.items()},
        {process: rule.place or _UNKNOWN for process, rule in stated.items()},
        "the processes need each other",
    ))  # fmt: skip
    yield from circles
    for found in () if circles else lacking(rules):
        rule, other = found.rule, found.other
        yield _problem(
            rule.place,
            str(found),
            f"move {other.process} first, or change the needs of {stated[rule.process].label}",
        )


def _circle_through(start: str, before: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the shortest way from a name back to itself, without the return; [] if none."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for name in before[way[-1]]:
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _reading_order(rule: Rule) -> tuple[Place, str]:
    return rule.place or _UNKNOWN, rule.rule_id


def _problem(place: Place | None, problem: str, remedy: str) -> RuleProblem:
    at = place or _UNKNOWN
    return RuleProblem(at.file, at.line, at.column, at.key, problem, remedy)
