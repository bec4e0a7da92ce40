"""Laws of routing, against references that are too slow to ship and too simple to be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations, combinations_with_replacement, product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.canonical.process import ERPS, PROCESSES, Target
from gateway.routing.check import check_rules
from gateway.routing.compile import compile_rules
from gateway.routing.explain import explain, matches
from gateway.routing.facts import Facts
from gateway.routing.loader import load
from gateway.routing.model import (
    TARGETS,
    DateRange,
    Mode,
    Rule,
    Wave,
    default_mode,
    modes_of,
    percent_text,
)
from gateway.routing.overlap import Overlaps
from gateway.routing.ruleset import RuleSet, parse
from gateway.routing.sticky import bucket, goes_to_cloud

#: Small domains, so that rules meet often. What no rule names stands in the world once for each
#: prefix that takes it in ("z", "aaz"), and "" for a request without the fact.
VALUES = ("aa", "aab", "b", "a*", "aa*")
VALUE_LISTS = tuple(
    (one, other) if one != other else (one,)
    for one, other in combinations_with_replacement(sorted(VALUES), 2)
    if one == other
    or not any(
        "*" in wide and narrow.startswith(wide[:-1])
        for wide, narrow in ((one, other), (other, one))
    )
)
FACTS = ("aa", "aab", "b", "z", "az", "aaz", "")
DAYS = tuple(f"2026-11-{day}" for day in range(20, 26))
#: A day on either side, for what lies beyond all days that rules name.
WORLD_DAYS = ("2026-11-19", *DAYS, "2026-11-26")

DIMENSIONS = {
    "order.intake": ("channel", "legal_entity", "region"),
    "store.sale": ("channel", "store", "business_date"),
}


@st.composite
def rules_of(draw: st.DrawFn, process: str, rule_id: str) -> Rule:
    names = draw(st.sets(st.sampled_from(DIMENSIONS[process]), min_size=1))
    dates = None
    if "business_date" in names:
        first, last = sorted(draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
        open_end = draw(st.sampled_from(["first", "last", "neither"]))
        dates = DateRange("" if open_end == "first" else first, "" if open_end == "last" else last)
    when = tuple(
        (name, draw(st.sampled_from(VALUE_LISTS))) for name in sorted(names - {"business_date"})
    )
    modes = set(modes_of(PROCESSES[process]))
    if process == "store.sale" and (dates is None or not dates.first):
        modes -= {Mode.CLOUD}
    mode = draw(st.sampled_from(sorted(modes)))
    split = mode is Mode.SPLIT
    shadows = [erp for erp in ERPS if mode in (Mode.LEGACY, Mode.CLOUD) and erp != TARGETS[mode]]
    return Rule(
        rule_id,
        process,
        mode,
        when,
        dates,
        percent_hundredths=draw(st.integers(0, 10_000)) if split else 0,
        sticky_by="customer_ref" if split else "",
        shadow=draw(st.sampled_from([None, *shadows])),
    )


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    """Rules of one process with its default, overlaps and all."""
    process = draw(st.sampled_from(sorted(DIMENSIONS)))
    count = draw(st.integers(0, 8))
    rules = [draw(rules_of(process, f"r{at}")) for at in range(count)]
    return [Rule("default", process, Mode.LEGACY), *rules]


@st.composite
def valid_rule_lists(draw: st.DrawFn) -> list[Rule]:
    """Rules that pass the check: those that meet an earlier one in a tie are left out."""
    valid: list[Rule] = []
    for rule in draw(rule_lists()):
        if not check_rules([*valid, rule]):
            valid.append(rule)
    return valid


def world(process: str) -> list[Facts]:
    """Every request there is, in the small; a store sale always has its business day."""
    names = DIMENSIONS[process]
    domains = [WORLD_DAYS if name == "business_date" else FACTS for name in names]
    return [
        Facts(process, customer_ref=f"C-{at % 7}")._replace(**dict(zip(names, values, strict=True)))
        for at, values in enumerate(product(*domains))
    ]


def best(rules: list[Rule], facts: Facts) -> list[Rule]:
    """All rules that match and name most dimensions: the reference, by comparing everything."""
    matching = [rule for rule in rules if matches(rule, facts)]
    most = max(rank(rule) for rule in matching)
    return [rule for rule in matching if rank(rule) == most]


def rank(rule: Rule) -> tuple[int, int, int]:
    """The order of the manual, word by word: dimensions, those that are exact, prefix lengths."""
    lengths = [
        min((len(value) - 1 for value in values if "*" in value), default=None)
        for _, values in rule.when
    ]
    dimensions = len(rule.dimensions)
    prefixes = [length for length in lengths if length is not None]
    return dimensions, dimensions - len(prefixes), sum(prefixes)


def target(rule: Rule, facts: Facts) -> Target | None:
    if rule.mode is Mode.SPLIT:
        cloud = goes_to_cloud(rule.sticky_by, facts.customer_ref, rule.percent_hundredths)
        return Target.CLOUD if cloud else Target.LEGACY
    return None if rule.mode is Mode.OWNER else Target(rule.mode.value)


@given(valid_rule_lists())
def test_the_index_decides_as_a_scan_of_all_rules_does(rules: list[Rule]) -> None:
    compiled = compile_rules(RuleSet.of(rules))

    for facts in world(rules[0].process):
        (winner,) = best(rules, facts)
        decision = compiled.decide(facts)
        assert (decision.rule_id, decision.target) == (winner.rule_id, target(winner, facts))
        if winner.mode is not Mode.SPLIT:
            assert decision.shadow == winner.shadow


@given(rule_lists())
def test_the_check_finds_the_ties_that_trying_every_request_finds(rules: list[Rule]) -> None:
    ties, covered = Overlaps(rules).found()
    told = {frozenset((tie.one.rule_id, tie.other.rule_id)) for tie in ties}
    unreachable = {each.rule.rule_id for each in covered}

    tried: set[frozenset[str]] = set()
    winners: set[str] = set()
    for facts in world(rules[0].process):
        ids = [rule.rule_id for rule in best(rules, facts)]
        tried |= {frozenset(pair) for pair in combinations(ids, 2)}
        winners |= set(ids) if len(ids) == 1 else set()

    assert told <= tried
    assert all(pair & unreachable for pair in tried - told)
    assert not unreachable & winners


@given(rule_lists())
def test_where_a_tie_is_said_to_be_there_is_one(rules: list[Rule]) -> None:
    for tie in Overlaps(rules).found()[0]:
        values = {
            name: next(fact for fact in FACTS if fact in allowed)
            for name, allowed in tie.where.values.items()
        }
        day = date.fromordinal(max(tie.where.first, date(2026, 11, 19).toordinal()))
        facts = Facts(tie.one.process, **values, business_date=min(day.isoformat(), WORLD_DAYS[-1]))

        assert {tie.one, tie.other} <= set(best(rules, facts))


@given(valid_rule_lists())
def test_every_rule_that_passes_the_check_can_win(rules: list[Rule]) -> None:
    winners = {best(rules, facts)[0].rule_id for facts in world(rules[0].process)}

    assert {rule.rule_id for rule in rules if not rule.is_default} <= winners


@given(valid_rule_lists(), st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_neither_version_nor_decision(
    rules: list[Rule], chance: Random
) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)

    one, other = RuleSet.of(rules), RuleSet.of(shuffled)

    assert one == other
    assert parse(one.text, one.version) == one
    facts = world(rules[0].process)
    one_way, other_way = compile_rules(one), compile_rules(parse(other.text, one.version))
    assert [one_way.decide(each) for each in facts] == [other_way.decide(each) for each in facts]


@given(valid_rule_lists())
def test_explain_names_the_rule_that_won_and_every_other_once(rules: list[Rule]) -> None:
    compiled = compile_rules(RuleSet.of(rules))

    for facts in world(rules[0].process)[::7]:
        verdicts = explain(compiled, facts).verdicts
        assert verdicts[0].won
        assert verdicts[0].rule_id == compiled.decide(facts).rule_id
        assert not any(each.won for each in verdicts[1:])
        assert sorted(each.rule_id for each in verdicts) == sorted(rule.rule_id for rule in rules)


@given(st.text(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_raising_the_percentage_moves_objects_to_the_cloud_and_never_back(
    value: str, one: int, other: int
) -> None:
    low, high = sorted((one, other))

    assert goes_to_cloud("customer_ref", value, low) <= goes_to_cloud("customer_ref", value, high)
    assert not goes_to_cloud("customer_ref", value, 0)
    assert goes_to_cloud("customer_ref", value, 10_000)
    assert 0 <= bucket("customer_ref", value) < 10_000


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_so_do_the_decisions_of_two_rule_sets(one: int, other: int) -> None:
    def clouds(percent_hundredths: int) -> set[str]:
        rule = Rule(
            "s", "catalog.price", Mode.SPLIT,
            percent_hundredths=percent_hundredths, sticky_by="sku",
        )  # fmt: skip
        decide = compile_rules(RuleSet.of([rule])).decide
        skus = [f"S-{n}" for n in range(60)]
        return {sku for sku in skus if decide(Facts(rule.process, sku=sku)).target is Target.CLOUD}

    assert clouds(min(one, other)) <= clouds(max(one, other))


@given(st.integers(0, 10_000))
def test_a_percentage_is_written_exactly(hundredths: int) -> None:
    assert Decimal(percent_text(hundredths)) * 100 == hundredths


@settings(max_examples=40)
@given(valid_rule_lists(), st.randoms(use_true_random=False))
def test_however_the_files_are_written_the_version_is_that_of_the_rules(
    rules: list[Rule], chance: Random
) -> None:
    others = [
        Rule(f"default-{name}", name, default_mode(process))
        for name, process in PROCESSES.items()
        if name != rules[0].process
    ]
    with TemporaryDirectory() as folder:
        write(Path(folder), [*rules, *others], chance)

        loaded = load(Path(folder))

    in_wave = [rule if rule.is_default else replace(rule, wave="w") for rule in [*rules, *others]]
    assert loaded == RuleSet.of(in_wave, [Wave("w", "o")])


def write(folder: Path, rules: list[Rule], chance: Random) -> None:
    """Write a rule directory in any order, block or flow style, lists or scalars."""
    files: dict[str, dict[str, Any]] = {
        "defaults.yaml": {"rules": [as_written(r, chance) for r in rules if r.is_default]},
        "waves/w.yaml": {
            "wave": "w",
            "owner": "o",
            "rules": [as_written(r, chance) for r in rules if not r.is_default],
        },
    }
    (folder / "waves").mkdir()
    for name, content in files.items():
        chance.shuffle(content["rules"])
        text = yaml.safe_dump(
            shuffled(content, chance),
            default_flow_style=chance.choice([True, False, None]),
            width=chance.choice([20, 200]),
            sort_keys=False,
        )
        (folder / name).write_text(f"# {chance.random()}\n{text}")


def as_written(rule: Rule, chance: Random) -> dict[str, Any]:
    written: dict[str, Any] = {"id": rule.rule_id, "process": rule.process, "mode": str(rule.mode)}
    when: dict[str, Any] = {}
    for name, values in rule.when:
        one = len(values) == 1 and chance.random() < 0.5
        when[name] = values[0] if one else chance.sample(values, len(values))
    if rule.dates is not None:
        bounds = {"from": rule.dates.first, "to": rule.dates.last}
        when["business_date"] = {
            end: chance.choice([day, date.fromisoformat(day)]) for end, day in bounds.items() if day
        }
    if when:
        written["when"] = shuffled(when, chance)
    if rule.mode is Mode.SPLIT:
        written["cloud_percent"] = float(percent_text(rule.percent_hundredths))
        written["sticky_by"] = rule.sticky_by
    if rule.shadow is not None:
        written["shadow"] = str(rule.shadow)
    return shuffled(written, chance)


def shuffled(mapping: dict[str, Any], chance: Random) -> dict[str, Any]:
    return dict(chance.sample(sorted(mapping.items()), len(mapping)))
