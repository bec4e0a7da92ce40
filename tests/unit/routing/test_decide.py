"""What a compiled rule set decides: specificity, days, splits, holds, owners, and the reasons."""

from __future__ import annotations

from hashlib import sha256

import pytest

from gateway.canonical.process import Target
from gateway.errors import RulesUnavailable
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.facts import Decision, Facts
from gateway.routing.model import DateRange, Mode, Rule
from gateway.routing.ruleset import RuleSet
from gateway.routing.sticky import bucket, goes_to_cloud

DEFAULT = Rule("default", "order.intake", Mode.LEGACY)


def compiled(*rules: Rule) -> Compiled:
    return compile_rules(RuleSet.of(rules))


def intake(rule_id: str, mode: Mode = Mode.CLOUD, **when: str) -> Rule:
    values = tuple((name, tuple(sorted(value.split(",")))) for name, value in sorted(when.items()))
    return Rule(rule_id, "order.intake", mode, values)


def split(percent_hundredths: int, sticky_by: str = "customer_ref") -> Rule:
    return Rule(
        "split", "order.intake", Mode.SPLIT, (("channel", ("webshop",)),),
        percent_hundredths=percent_hundredths, sticky_by=sticky_by,
    )  # fmt: skip


def test_a_decision_carries_target_rule_version_and_reason() -> None:
    rules = compiled(DEFAULT, intake("web", channel="webshop", legal_entity="NL01"))

    decision = rules.decide(Facts("order.intake", channel="webshop", legal_entity="NL01"))

    assert decision == Decision(
        Target.CLOUD, "web", rules.version, "matches channel + legal_entity", None
    )


def test_what_no_rule_speaks_about_goes_by_the_default() -> None:
    rules = compiled(DEFAULT, intake("web", channel="webshop"))

    assert rules.decide(Facts("order.intake", channel="pos")) == Decision(
        Target.LEGACY, "default", rules.version, "default of order.intake", None
    )


@pytest.mark.parametrize(
    ("facts", "rule_id"),
    [
        (Facts("order.intake", channel="webshop"), "web"),
        (Facts("order.intake", channel="marketplace"), "web"),
        (Facts("order.intake", channel="webshop", region="N"), "web-north"),
        (Facts("order.intake", channel="webshop", region="S"), "web"),
        (Facts("order.intake", channel="webshop", region="N", brand="X"), "web-north-x"),
        (Facts("order.intake", channel="webshop", brand="X"), "web"),
        (Facts("order.intake", channel="WEBSHOP"), "default"),
        (Facts("order.intake", region="N", brand="X"), "default"),
    ],
)
def test_all_dimensions_must_match_and_most_of_them_win(facts: Facts, rule_id: str) -> None:
    rules = compiled(
        DEFAULT,
        intake("web-north-x", channel="webshop", region="N", brand="X"),
        intake("web", channel="webshop,marketplace"),
        intake("web-north", channel="webshop", region="N"),
    )

    assert rules.decide(facts).rule_id == rule_id


def test_a_request_without_a_fact_matches_no_rule_that_asks_for_it() -> None:
    rules = compiled(DEFAULT, intake("north", region="N"))

    assert rules.decide(Facts("order.intake")).rule_id == "default"


def test_processes_do_not_see_each_others_rules() -> None:
    rules = compiled(
        DEFAULT,
        Rule("sales", "store.sale", Mode.LEGACY),
        Rule("pos", "store.sale", Mode.HOLD, (("channel", ("pos",)),)),
    )

    assert rules.decide(Facts("order.intake", channel="pos")).rule_id == "default"
    assert rules.decide(Facts("store.sale", channel="pos")).rule_id == "pos"


# ------------------------------------------------------------------ days


@pytest.mark.parametrize(
    ("day", "rule_id"),
    [
        ("2026-11-19", "before"),
        ("2026-11-20", "before"),
        ("2026-11-21", "between"),
        ("2026-11-22", "between"),
        ("2026-11-23", "store"),
        ("2026-11-24", "after"),
        ("9999-12-31", "after"),
        ("0001-01-01", "before"),
        ("", "store"),
    ],
)
def test_a_sale_goes_by_its_own_business_day_both_ends_included(day: str, rule_id: str) -> None:
    store = (("store", ("NL-001", "NL-002")),)
    rules = compiled(
        Rule("default-sale", "store.sale", Mode.LEGACY),
        Rule("after", "store.sale", Mode.CLOUD, store, DateRange("2026-11-24")),
        Rule("between", "store.sale", Mode.HOLD, store, DateRange("2026-11-21", "2026-11-22")),
        Rule("before", "store.sale", Mode.LEGACY, store, DateRange("", "2026-11-20")),
        Rule("store", "store.sale", Mode.LEGACY, store),
    )

    decision = rules.decide(Facts("store.sale", store="NL-002", business_date=day))

    assert decision.rule_id == rule_id
    assert rules.decide(Facts("store.sale", store="X", business_date=day)).rule_id == "default-sale"


def test_a_rule_may_name_days_only() -> None:
    rules = compiled(
        Rule("default-sale", "store.sale", Mode.LEGACY),
        Rule("all", "store.sale", Mode.CLOUD, (), DateRange("2026-11-21")),
        Rule("store", "store.sale", Mode.HOLD, (("store", ("S",)),), DateRange("2026-11-21")),
    )

    assert rules.decide(Facts("store.sale", store="X", business_date="2026-11-21")) == Decision(
        Target.CLOUD, "all", rules.version, "matches business_date", None
    )
    assert (
        rules.decide(Facts("store.sale", "", business_date="2026-11-20")).rule_id == "default-sale"
    )
    assert rules.decide(Facts("store.sale", store="S", business_date="2026-11-22")).reason == (
        "matches store + business_date"
    )


# ------------------------------------------------------------------ modes


def test_a_follow_up_is_left_to_the_owner() -> None:
    rules = compiled(
        Rule("owner", "return.credit", Mode.OWNER),
        Rule("held", "return.credit", Mode.HOLD, (("channel", ("webshop",)),)),
    )

    assert rules.decide(Facts("return.credit")) == Decision(
        None, "owner", rules.version, "default of return.credit: the owner decides", None
    )
    assert rules.decide(Facts("return.credit", channel="webshop")).target is Target.HOLD


def test_a_shadow_is_carried_in_the_decision() -> None:
    shadowed = Rule("p", "catalog.price", Mode.LEGACY, shadow=Target.CLOUD)

    assert compiled(shadowed).decide(Facts("catalog.price")).shadow is Target.CLOUD


def test_a_process_without_default_is_refused_with_the_remedy() -> None:
    rules = compiled(DEFAULT)

    with pytest.raises(RulesUnavailable) as caught:
        rules.decide(Facts("store.sale"))

    assert caught.value.detail == (
        f"rule version {rules.version} has no default for process 'store.sale'; add one to "
        "defaults.yaml and apply the rules"
    )


# ------------------------------------------------------------------ splits


def test_the_bucket_is_the_one_the_readme_has_auditors_recompute() -> None:
    digest = sha256(b"customer_ref=C-1001").hexdigest()

    assert bucket("customer_ref", "C-1001") == int(digest[:16], 16) % 10000 == 732
    assert bucket("order_ref", "C-1001") != 732
    assert (
        bucket("customer_ref", "Zoë")
        == int(sha256("customer_ref=Zoë".encode()).hexdigest()[:16], 16) % 10000
    )


@pytest.mark.parametrize(
    ("percent_hundredths", "target"),
    [(0, Target.LEGACY), (732, Target.LEGACY), (733, Target.CLOUD), (10000, Target.CLOUD)],
)
def test_a_split_takes_the_buckets_below_the_percentage(
    percent_hundredths: int, target: Target
) -> None:
    rules = compiled(DEFAULT, split(percent_hundredths))

    decision = rules.decide(Facts("order.intake", channel="webshop", customer_ref="C-1001"))

    assert decision.target is target
    assert goes_to_cloud("customer_ref", "C-1001", percent_hundredths) is (target is Target.CLOUD)


def test_a_split_says_its_share_and_the_side() -> None:
    rules = compiled(DEFAULT, split(1250))
    reasons = {
        rules.decide(Facts("order.intake", channel="webshop", customer_ref=f"C-{n}")).reason
        for n in range(100)
    }

    assert reasons == {
        "split of 12.5 % by customer_ref: cloud side",
        "split of 12.5 % by customer_ref: legacy side",
    }


@pytest.mark.parametrize("percent_hundredths", [0, 5000, 10000])
def test_without_the_fact_to_split_by_nothing_is_guessed(percent_hundredths: int) -> None:
    rules = compiled(DEFAULT, split(percent_hundredths))

    decision = rules.decide(Facts("order.intake", channel="webshop", order_ref="O-1"))

    assert decision == Decision(
        Target.LEGACY, "split", rules.version, "no customer_ref to split by", None
    )


def test_a_split_by_order_does_not_look_at_the_customer() -> None:
    rules = compiled(DEFAULT, split(5000, "order_ref"))
    targets = {
        rules.decide(
            Facts("order.intake", channel="webshop", customer_ref="C-1", order_ref=f"O-{n}")
        ).target
        for n in range(50)
    }

    assert targets == {Target.LEGACY, Target.CLOUD}


def test_a_default_may_be_split() -> None:
    default = Rule("prices", "catalog.price", Mode.SPLIT, percent_hundredths=10000, sticky_by="sku")

    assert compiled(default).decide(Facts("catalog.price", sku="TEE")).target is Target.CLOUD


def test_a_split_of_many_customers_comes_close_to_its_share() -> None:
    cloud = sum(goes_to_cloud("customer_ref", f"C-{n}", 3000) for n in range(10_000))

    # Binomial: 3000 expected, standard deviation 46; the hash is fixed, so this never wavers.
    assert abs(cloud - 3000) < 150


# ------------------------------------------------------------------ the index


def test_rules_without_the_most_common_dimension_are_tried_too() -> None:
    rules = compiled(
        DEFAULT,
        intake("a", legal_entity="NL01", channel="webshop"),
        intake("b", legal_entity="DE01", region="N"),
        intake("c", brand="X", category="Y", country="NL"),
        intake("d", customer_group="staff"),
    )
    facts = Facts("order.intake", brand="X", category="Y", country="NL", customer_group="staff")

    for entity in ("NL01", "DE01", "FR01", ""):
        assert rules.decide(facts._replace(legal_entity=entity)).rule_id == "c"
        assert rules.decide(facts._replace(legal_entity=entity, brand="")).rule_id == "d"
        assert rules.decide(Facts("order.intake", legal_entity=entity)).rule_id == "default"
