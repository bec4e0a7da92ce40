"""What moves between two rule sets, against asking both about every request of a small world."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.check import check_rules
from gateway.routing.compile import compile_rules
from gateway.routing.facts import Facts
from gateway.routing.model import DateRange, Mode, Rule
from gateway.routing.region import Region
from gateway.routing.ruleset import RuleSet
from gateway.routing.traffic import moves, on_legacy
from gateway.routing.winners import Winners
from tests.property.routing.test_rule_laws import best, valid_rule_lists, world


def holds(region: Region, facts: Facts) -> bool:
    """Say whether a request lies in a region; a region's days take in no request without one."""
    named = facts._asdict()
    if any(named[name] not in values for name, values in region.values.items()):
        return False
    days = region.days()
    return not days or facts.business_date in DateRange(days.get("from", ""), days.get("to", ""))


@st.composite
def two_rule_lists(draw: st.DrawFn) -> tuple[list[Rule], list[Rule]]:
    """Rules, and rules of the same process that have some of them in common."""
    one = draw(valid_rule_lists())
    other = draw(valid_rule_lists().filter(lambda it: it[0].process == one[0].process))
    kept = [it for it in one[1:] if draw(st.booleans())]
    mixed = [other[0], *kept]
    for rule in other[1:]:
        renamed = Rule(
            **{**{f: getattr(rule, f) for f in Rule.__slots__}, "rule_id": f"n{rule.rule_id}"}
        )

        if not check_rules([*mixed, renamed]):
            mixed.append(renamed)
    return one, mixed


@settings(max_examples=30)
@given(two_rule_lists())
def test_a_request_moves_if_and_only_if_both_sets_answer_it_otherwise(
    lists: tuple[list[Rule], list[Rule]],
) -> None:
    before, after = RuleSet.of(lists[0]), RuleSet.of(lists[1])
    then, now = compile_rules(before), compile_rules(after)
    found = moves(before, after)

    for facts in world(lists[0][0].process):
        one, other = then.decide(facts), now.decide(facts)
        moved = [it for it in found if holds(it.region, facts)]
        assert len(moved) <= 1
        winners = [next(r for r in rules if r.rule_id == it.rule_id)
                   for rules, it in ((lists[0], one), (lists[1], other))]  # fmt: skip
        says = [(it.mode, it.percent_hundredths, it.sticky_by, it.shadow) for it in winners]
        assert bool(moved) == (says[0] != says[1])
        for move in moved:
            assert [move.before.rule_id, move.after.rule_id] == [one.rule_id, other.rule_id]
            if one.target != other.target:
                assert not move.moving().startswith("none")


@settings(max_examples=30)
@given(valid_rule_lists())
def test_each_request_lies_in_one_piece_of_its_winner(rules: list[Rule]) -> None:
    winners = Winners(rules)
    pieces = [(rule, region) for rule in rules for region in winners.pieces_of(rule)]

    for facts in world(rules[0].process):
        (winner,) = best(rules, facts)
        assert [rule for rule, region in pieces if holds(region, facts)] == [winner]


@settings(max_examples=30)
@given(valid_rule_lists())
def test_what_is_left_on_legacy_is_all_that_may_go_there(rules: list[Rule]) -> None:
    left = on_legacy(RuleSet.of(rules), rules[0].process)

    for facts in world(rules[0].process):
        (winner,) = best(rules, facts)
        stays = winner.mode in (Mode.LEGACY, Mode.HOLD) or (
            winner.mode is Mode.SPLIT and winner.percent_hundredths < 10_000
        )
        assert any(holds(piece.region, facts) for piece in left) == stays


def test_a_rule_set_moves_nothing_against_itself_or_under_other_names() -> None:
    rule = Rule("a", "order.intake", Mode.CLOUD, (("channel", ("w",)),))
    default = Rule("d", "order.intake", Mode.LEGACY)
    renamed = Rule("b", "order.intake", Mode.CLOUD, (("channel", ("w",)),), wave="other")

    assert moves(RuleSet.of([default, rule]), RuleSet.of([default, renamed])) == []
