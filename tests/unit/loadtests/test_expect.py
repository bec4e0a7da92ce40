"""The audit's own reading of routing rules, against figures worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from loadtests.errors import BadRules
from loadtests.events import Apply
from loadtests.expect import Timeline, bucket, decide, matches

FACTS = {
    "channel": "webshop", "legal_entity": "NL01", "country": "NL", "customer_group": "retail",
    "customer_ref": "C-1001", "order_ref": "SHOP-1",
}  # fmt: skip


def rule(mode: str, when: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": mode, "process": "order.intake", "when": when, "mode": mode, **more}


def split(percent: object, sticky_by: str = "customer_ref") -> dict[str, Any]:
    return rule("split", {"channel": "webshop"}, cloud_percent=percent, sticky_by=sticky_by)


def test_the_bucket_is_the_first_eight_bytes_of_the_digest_modulo_ten_thousand() -> None:
    # printf 'customer_ref=C-1001' | sha256sum | cut -c1-16, as a number, modulo 10000
    assert bucket("customer_ref", "C-1001") == 732
    assert bucket("order_ref", "C-1001") != 732


@pytest.mark.parametrize(
    ("percent", "route"),
    [(0, "legacy"), (7.32, "legacy"), (7.33, "cloud"), ("7.33", "cloud"), (8, "cloud"),
     (100, "cloud")],
)  # fmt: skip
def test_a_split_sends_buckets_below_its_percentage_to_the_cloud(
    percent: object, route: str
) -> None:
    assert decide([rule("legacy"), split(percent)], "order.intake", FACTS) == route


def test_a_split_over_many_customers_keeps_its_percentage() -> None:
    rules = [rule("legacy"), split(30)]
    routes = [
        decide(rules, "order.intake", {**FACTS, "customer_ref": f"C-{number}"})
        for number in range(4000)
    ]
    assert 0.27 < routes.count("cloud") / len(routes) < 0.33


def test_without_the_fact_to_split_by_it_stays() -> None:
    assert decide([rule("legacy"), split(100, "email")], "order.intake", FACTS) == "legacy"


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ({}, True),
        ({"channel": "webshop"}, True),
        ({"channel": ["marketplace", "webshop"]}, True),
        ({"channel": ["marketplace"]}, False),
        ({"channel": "webshop", "country": "DE"}, False),
        ({"region": "NH"}, False),  # the driver states no region: nothing to contain
        ({"store": "NL-001"}, False),
    ],
)
def test_a_rule_matches_when_every_dimension_contains_the_fact(
    when: dict[str, Any], *, found: bool
) -> None:
    assert matches(when, FACTS) is found


@pytest.mark.parametrize(
    ("days", "day", "found"),
    [
        ({"from": "2026-11-21"}, "2026-11-20", False),
        ({"from": "2026-11-21"}, "2026-11-21", True),
        ({"from": date(2026, 11, 21)}, "2027-01-01", True),
        ({"from": "2026-11-01", "to": "2026-11-20"}, "2026-11-20", True),
        ({"from": "2026-11-01", "to": date(2026, 11, 20)}, "2026-11-21", False),
        ({"to": "2026-11-20"}, "2020-01-01", True),
    ],
)
def test_a_range_of_days_includes_both_its_ends(
    days: dict[str, Any], day: str, *, found: bool
) -> None:
    assert matches({"business_date": days}, {"business_date": day}) is found


def test_a_range_matches_no_message_without_a_business_date() -> None:
    assert not matches({"business_date": {"to": "2026-11-20"}}, FACTS)


def test_the_rule_with_most_dimensions_wins_in_any_order() -> None:
    rules = [
        rule("legacy"),
        rule("hold", {"channel": "webshop"}),
        rule("cloud", {"channel": "webshop", "legal_entity": ["NL01"]}),
    ]
    assert decide(rules, "order.intake", FACTS) == "cloud"
    assert decide(rules[::-1], "order.intake", FACTS) == "cloud"
    assert decide(rules, "order.intake", {**FACTS, "legal_entity": "DE01"}) == "hold"
    assert decide(rules, "order.intake", {**FACTS, "channel": "marketplace"}) == "legacy"


def test_rules_of_other_processes_do_not_matter() -> None:
    other = {**rule("cloud", {"channel": "webshop"}), "process": "store.sale"}
    assert decide([rule("legacy"), other], "order.intake", FACTS) == "legacy"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([rule("cloud", {"channel": "pos"})], "no rule and no default"),
        ([rule("legacy"), rule("shadow", {"channel": "webshop"})], "mode 'shadow' is none of"),
        ([rule("legacy", {"colour": "red"})], "when.colour: the audit does not know"),
        ([rule("legacy", {"country": {"since": 1}})], "a range has from and to, not since"),
        ([split(None)], "a split needs a cloud_percent"),
        (
            [rule("cloud", {"channel": "webshop"}), rule("legacy", {"country": "NL"})],
            "rules cloud, legacy tie for process order.intake",
        ),
    ],
)
def test_rules_that_cannot_be_judged_by_are_refused(
    rules: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(BadRules, match=message):
        decide(rules, "order.intake", FACTS)


def test_rules_that_agree_do_not_tie() -> None:
    rules = [rule("cloud", {"channel": "webshop"}), rule("cloud", {"country": "NL"})]
    assert decide(rules, "order.intake", FACTS) == "cloud"


def timeline(*times: tuple[float, float | None]) -> Timeline:
    return Timeline(
        [
            Apply(
                at_start=start,
                at_return=end,
                epoch=epoch,
                rules=(rule("cloud" if epoch % 2 else "legacy"),),
                kind="apply" if epoch else "initial",
            )
            for epoch, (start, end) in enumerate(times)
        ]
    )


@pytest.mark.parametrize(
    ("since", "until", "places"),
    [
        (0, 5, [0]),
        (5, 9.9, [0]),
        (5, 10, [0, 1]),
        (15, 16, [0, 1]),
        (20, 20, [0, 1]),
        (20.1, 25, [1]),
        (20.1, 30, [1, 2]),
        (5, 31, [0, 1, 2]),
        (41, 50, [2]),
    ],
)
def test_which_rules_may_have_been_in_force(since: float, until: float, places: list[int]) -> None:
    assert timeline((0, 1), (10, 20), (30, 40)).in_force(since, until) == places


def test_nobody_said_what_was_in_force() -> None:
    assert Timeline([]).targets("order.intake", FACTS, 1, 2) == {"legacy", "cloud"}
    assert not Timeline([]).outdated("legacy", "order.intake", FACTS, 1, 2)


def test_outdated_is_what_only_rules_out_of_force_did() -> None:
    line = timeline((0, 1), (10, 20))
    assert line.outdated("legacy", "order.intake", FACTS, 21, 22)
    assert not line.outdated("legacy", "order.intake", FACTS, 19, 22)
    assert not line.outdated("cloud", "order.intake", FACTS, 21, 22)
    assert [line.flipped(place) for place in range(len(line))] == [False, True]


def test_what_was_accepted_before_may_follow_a_flip_that_came_with_its_backlog() -> None:
    def applied(at: float, mode: str, backlog: str) -> Apply:
        return Apply.model_validate({
            "at_start": at, "at_return": at + 1, "epoch": 0, "rules": (rule(mode),),
            "kind": "apply", "backlog": backlog,
        })  # fmt: skip

    def targets(since: float, *backlogs: str) -> frozenset[str]:
        modes = ("legacy", "cloud", "hold")
        flips = [applied(10.0 * n, modes[n], backlog) for n, backlog in enumerate(backlogs)]
        return frozenset(Timeline(flips).targets("order.intake", FACTS, since, since))

    assert targets(5, "drain", "drain") == {"legacy"}
    assert targets(5, "drain", "move") == {"legacy", "cloud"}
    assert targets(15, "move", "move") == {"cloud"}, "only what came after it was accepted"
    assert targets(5, "drain", "drain", "move") == {"legacy"}, "it is held where it is"
