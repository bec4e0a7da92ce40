"""Rules that tie and rules that can never win: when they are found, and the exact text."""

from __future__ import annotations

import pytest

from gateway.routing.loader import load
from gateway.routing.overlap import FOUND_MAX
from tests.unit.routing.conftest import RuleFiles, intake, sale

NARROWER = "make one of them narrower, or add a rule for what both match that names more dimensions"
REMOVE = "remove it, or change what it matches"


# ------------------------------------------------------------------ overlaps


def test_two_rules_that_both_match_and_name_as_many_dimensions(files: RuleFiles) -> None:
    files.wave(intake("web", "channel: webshop"), name="w1")
    files.wave(intake("germany", "legal_entity: DE01"), name="w2")

    assert files.problems() == [
        "waves/w2.yaml:5:3: rules[0]: overlap without a winner: 'germany' and 'web' "
        "(waves/w1.yaml:5) "
        "both match channel=webshop, legal_entity=DE01 and both name 1 dimension; " + NARROWER
    ]


def test_the_overlap_is_settled_by_a_rule_that_names_more(files: RuleFiles) -> None:
    files.wave(
        intake("web", "channel: [webshop, pos]")
        + intake("germany", "legal_entity: DE01")
        + intake("german-web", "channel: webshop, legal_entity: DE01")
    )
    half_settled = files.problems()

    files.wave(
        intake("web", "channel: [webshop, pos]")
        + intake("germany", "legal_entity: DE01")
        + intake("german-web", "channel: webshop, legal_entity: DE01")
        + intake("german-tills", "channel: pos, legal_entity: [DE01, NL01]")
    )

    assert half_settled == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'germany' and 'web' "
        "(waves/w.yaml:5) "
        "both match channel=pos, legal_entity=DE01 and both name 1 dimension; " + NARROWER
    ]
    assert len(load(files.root).rules_of("order.intake")) == 5


def test_three_rules_tie_in_pairs(files: RuleFiles) -> None:
    files.wave(
        intake("a", "channel: pos, region: N")
        + intake("b", "channel: pos, node: X")
        + intake("c", "region: N, node: X")
    )

    assert [said.split("winner: ")[1].split(" both match")[0] for said in files.problems()] == [
        "'b' and 'a' (waves/w.yaml:5)",
        "'c' and 'a' (waves/w.yaml:5)",
        "'c' and 'b' (waves/w.yaml:6)",
    ]


def test_lists_that_share_a_value(files: RuleFiles) -> None:
    files.wave(intake("one", "region: [N, S]") + intake("two", "region: [S, W]"))

    assert files.problems() == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'two' and 'one' (waves/w.yaml:5) "
        "both "
        "match region=S and both name 1 dimension; " + NARROWER
    ]


def test_ranges_that_share_a_day(files: RuleFiles) -> None:
    files.wave(
        sale("one", "store: NL-001, business_date: {to: 2026-11-21}")
        + sale("two", "store: NL-001, business_date: {from: 2026-11-21}")
    )

    assert files.problems() == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'two' and 'one' (waves/w.yaml:5) "
        "both "
        "match store=NL-001, business_date=2026-11-21 and both name 2 dimensions; " + NARROWER
    ]


def test_a_range_of_days_is_one_dimension(files: RuleFiles) -> None:
    files.wave(sale("days", "business_date: {to: 2026-11-21}") + sale("store", "store: NL-001"))

    assert files.problems() == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'store' and 'days' (waves/w.yaml:5) "
        "both match store=NL-001, business_date=2026-11-21 and both name 1 dimension; " + NARROWER
    ]


@pytest.mark.parametrize(
    "rules",
    [
        intake("a", "channel: pos") + sale("b", "channel: pos"),
        intake("a", "channel: pos") + intake("b", "channel: webshop"),
        intake("a", "channel: pos") + intake("b", "channel: pos, region: N"),
        sale("a", "store: NL-001, business_date: {to: 2026-11-20}")
        + sale("b", "store: NL-001, business_date: {from: 2026-11-21, to: 2026-11-21}")
        + sale("c", "store: NL-001, business_date: {from: 2026-11-22}"),
        sale("a", "store: NL-001, channel: pos")
        + sale("b", "store: NL-001, business_date: {from: 2026-11-22}")
        + sale("c", "store: NL-001, channel: pos, business_date: {from: 2026-11-20}"),
    ],
    ids=["processes", "values", "specificity", "days", "settled from an earlier day on"],
)
def test_rules_that_never_tie(files: RuleFiles, rules: str) -> None:
    files.wave(rules)

    assert load(files.root).version


# ------------------------------------------------------------------ unreachable


def test_the_same_rule_twice(files: RuleFiles) -> None:
    files.wave(intake("a", "channel: pos, region: [N, S]"))
    files.wave(intake("b", "region: [S, N], channel: pos", "legacy"), name="w2")

    assert files.problems() == [
        "waves/w2.yaml:5:3: rules[0]: unreachable: 'b' can never win, 'a' (waves/w.yaml:5) match "
        "all "
        "it matches and name as many dimensions or more; " + REMOVE
    ]


def test_a_rule_inside_another_of_the_same_dimensions(files: RuleFiles) -> None:
    files.wave(
        sale("inner", "store: NL-001, business_date: {from: 2026-11-21, to: 2026-11-22}")
        + sale("outer", "store: [NL-001, NL-002], business_date: {from: 2026-11-01}")
    )

    assert files.problems() == [
        "waves/w.yaml:5:3: rules[0]: unreachable: 'inner' can never win, 'outer' (waves/w.yaml:6) "
        "match all it matches and name as many dimensions or more; " + REMOVE
    ]


def test_a_rule_below_rules_that_name_every_day(files: RuleFiles) -> None:
    until = "business_date: {to: 2026-11-20}"
    since = "business_date: {from: 2026-11-21}"
    files.wave(
        sale("store", "store: [NL-001, NL-002]")
        + sale("before", f"store: [NL-001, NL-002], {until}")
        + sale("after-1", f"store: NL-001, {since}")
        + sale("after-2", f"store: NL-002, {since}")
    )

    assert files.problems() == [
        "waves/w.yaml:5:3: rules[0]: unreachable: 'store' can never win, 'before' "
        "(waves/w.yaml:6), "
        "'after-1' (waves/w.yaml:7), 'after-2' (waves/w.yaml:8) match all it matches and name as "
        "many dimensions or more; " + REMOVE
    ]


def test_a_rule_with_a_day_left_is_reachable(files: RuleFiles) -> None:
    files.wave(
        sale("store", "store: NL-001")
        + sale("before", "store: NL-001, business_date: {to: 2026-11-19}")
        + sale("after", "store: NL-001, business_date: {from: 2026-11-21}")
    )

    assert len(load(files.root).rules_of("store.sale")) == 4


def test_a_flood_of_overlaps_is_cut(files: RuleFiles) -> None:
    files.wave(
        "".join(
            intake(f"c{n}", f"channel: [pos], region: R{n}")
            + intake(f"b{n}", f"region: R{n}, node: B")
            for n in range(FOUND_MAX + 20)
        )
    )

    assert len(files.problems()) == FOUND_MAX


def test_days_that_are_all_named_cover_a_prefix_too(files: RuleFiles) -> None:
    files.wave("""
        - {id: waits, process: store.sale, when: {channel: p*}, mode: hold}
        - {id: old, process: store.sale, when: {business_date: {to: 2026-11-22}}, mode: legacy}
        - {id: new, process: store.sale, when: {business_date: {from: 2026-11-23}}, mode: cloud}
    """)

    (said,) = files.problems()
    assert "unreachable: 'waits' can never win" in said
