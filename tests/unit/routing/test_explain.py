"""Explain: who won, why, why each of the others did not, in text and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import RulesUnavailable
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.explain import explain, matches
from gateway.routing.facts import Facts
from gateway.routing.loader import load
from gateway.routing.model import DateRange, Mode, Rule
from gateway.routing.ruleset import RuleSet
from tests.unit.routing.conftest import RuleFiles

WAVE = """
    - {id: web, process: order.intake, when: {channel: webshop}, mode: cloud}
    - {id: web-nl, process: order.intake, when: {channel: webshop, legal_entity: [DE01, NL01]},
       mode: split, cloud_percent: 7.32, sticky_by: customer_ref}
    - {id: north, process: order.intake, when: {legal_entity: NL01, region: N, country: NL},
       mode: hold}
    - {id: days, process: store.sale, when: {business_date: {from: 2026-11-21, to: 2026-11-30}},
       mode: cloud}
    - {id: shelf, process: catalog.price, when: {brand: X}, mode: legacy, shadow: cloud}
"""


@pytest.fixture
def rules(files: RuleFiles, monkeypatch: pytest.MonkeyPatch) -> Compiled:
    files.wave(WAVE)
    monkeypatch.chdir(files.root.parent)
    return compile_rules(load(Path("rules")))


def test_the_winner_first_then_the_others_from_the_most_specific_down(rules: Compiled) -> None:
    facts = Facts("order.intake", channel="webshop", legal_entity="NL01", customer_ref="C-1001")

    assert explain(rules, facts).as_text() == (
        "order.intake (channel=webshop, legal_entity=NL01, customer_ref=C-1001)\n"
        "  goes to legacy: split of 7.32 % by customer_ref: legacy side\n"
        f"  by rules {rules.version}\n"
        "  + web-nl (rules/waves/w.yaml:6): matches 2 dimensions (channel, legal_entity), mode "
        "split 7.32 % by customer_ref: bucket 732 of 10000 >= 732, so legacy\n"
        "  - north (rules/waves/w.yaml:8): does not match: country is not known, not NL\n"
        "  - web (rules/waves/w.yaml:5): less specific than web-nl: matches 1 dimension (channel)\n"
        "  - default-order.intake (rules/defaults.yaml:2): less specific than web-nl: matches "
        "anything, as the default"
    )


def test_for_machines_the_same_in_plain_values(rules: Compiled) -> None:
    facts = Facts("catalog.price", brand="X")

    record = explain(rules, facts).as_json()

    assert json.loads(json.dumps(record)) == {
        "process": "catalog.price",
        "facts": {"process": "catalog.price", "brand": "X"},
        "version": rules.version,
        "target": "legacy",
        "shadow": "cloud",
        "rule": "shelf",
        "reason": "matches brand",
        "rules": [
            {
                "rule": "shelf",
                "place": "rules/waves/w.yaml:12",
                "won": True,
                "why": "matches 1 dimension (brand), mode legacy",
            },
            {
                "rule": "default-catalog.price",
                "place": "rules/defaults.yaml:8",
                "won": False,
                "why": "less specific than shelf: matches anything, as the default",
            },
        ],
    }
    assert "goes to legacy, shadow cloud: matches brand" in explain(rules, facts).as_text()


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (
            Facts("store.sale", business_date="2026-11-20"),
            "does not match: business_date is '2026-11-20', not from 2026-11-21 to 2026-11-30",
        ),
        (
            Facts("store.sale"),
            "does not match: business_date is not known, not from 2026-11-21 to 2026-11-30",
        ),
        (Facts("catalog.price", brand="Y"), "does not match: brand is 'Y', not X"),
    ],
)
def test_the_first_dimension_that_does_not_match_is_named(
    rules: Compiled, facts: Facts, why: str
) -> None:
    explanation = explain(rules, facts)

    assert [each.why for each in explanation.verdicts] == [
        "no other rule matches, mode legacy",
        why,
    ]


def test_a_list_is_shown_as_alternatives(rules: Compiled) -> None:
    facts = Facts("order.intake", channel="webshop", legal_entity="FR01")
    verdicts = {each.rule_id: each.why for each in explain(rules, facts).verdicts}

    assert verdicts["web-nl"] == "does not match: legal_entity is 'FR01', not DE01 or NL01"


@pytest.mark.parametrize(
    ("customer", "tail"),
    [
        ("C-1003", "bucket 4944 of 10000 >= 732, so legacy"),
        ("", "no customer_ref, so legacy"),
    ],
)
def test_a_split_shows_the_bucket(rules: Compiled, customer: str, tail: str) -> None:
    facts = Facts("order.intake", channel="webshop", legal_entity="NL01", customer_ref=customer)

    assert explain(rules, facts).verdicts[0].why.endswith(tail)


def test_the_cloud_side_of_a_split() -> None:
    half = Rule("half", "catalog.price", Mode.SPLIT, percent_hundredths=5000, sticky_by="sku")
    verdicts = {
        explain(compile_rules(RuleSet.of([half])), Facts("catalog.price", sku=f"S{n}"))
        .verdicts[0].why.rsplit(" ", 1)[1]
        for n in range(20)
    }  # fmt: skip

    assert verdicts == {"cloud", "legacy"}


def test_a_follow_up_goes_to_the_owner(rules: Compiled) -> None:
    text = explain(rules, Facts("return.credit")).as_text()

    assert text.splitlines()[:2] == [
        "return.credit (no facts)",
        "  goes to the owner of its business object: default of return.credit: the owner decides",
    ]


def test_rules_read_back_from_the_store_have_no_place() -> None:
    rules = compile_rules(RuleSet.of([Rule("default", "order.intake", Mode.LEGACY)]))

    text = explain(rules, Facts("order.intake", channel="pos")).as_text()

    assert text.splitlines()[-1] == "  + default: no other rule matches, mode legacy"


def test_an_unknown_process_is_refused_as_decide_does(rules: Compiled) -> None:
    with pytest.raises(RulesUnavailable):
        explain(rules, Facts("order.x"))


def test_matches_looks_at_one_rule_alone() -> None:
    rule = Rule("a", "store.sale", Mode.HOLD, (("store", ("S",)),), DateRange("", "2026-11-21"))

    assert matches(rule, Facts("store.sale", store="S", business_date="2026-11-21"))
    assert not matches(rule, Facts("store.sale", store="S", business_date="2026-11-22"))
    assert not matches(rule, Facts("store.sale", store="T", business_date="2026-11-21"))
    assert not matches(rule, Facts("return.credit", store="S", business_date="2026-11-21"))
