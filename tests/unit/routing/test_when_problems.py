"""What is wrong with the ``when`` of a rule, with the exact text."""

from __future__ import annotations

import pytest

from gateway.routing.loader import load
from gateway.routing.model import Vocabulary
from tests.unit.routing.conftest import INTAKE, SALE, WEB, Case, RuleFiles

CASES = [
    Case(
        "unknown dimension",
        f"{{{INTAKE}, when: {{chanel: webshop}}, mode: cloud}}",
        "5:41: rules[0].when.chanel: unknown key 'chanel'; did you mean 'channel'? known here: "
        "channel, legal_entity, country, region, customer_group, node",
    ),
    Case(
        "dimension outside the routing basis",
        f"{{{INTAKE}, when: {{store: NL-001}}, mode: cloud}}",
        "5:48: rules[0].when.store: order.intake is not routed by 'store'; its dimensions are "
        "channel, legal_entity, country, region, customer_group, node",
    ),
    Case(
        "unknown channel",
        f"{{{INTAKE}, when: {{channel: [pos, webshp]}}, mode: cloud}}",
        "5:56: rules[0].when.channel[1]: unknown channel 'webshp'; did you mean 'webshop'? known "
        "here: marketplace, pos, webshop",
    ),
    Case(
        "unknown legal entity",
        f"{{{INTAKE}, when: {{legal_entity: FR01}}, mode: cloud}}",
        "5:55: rules[0].when.legal_entity: unknown legal_entity 'FR01'; known here: DE01, NL01",
    ),
    Case(
        "unknown store",
        f"{{{SALE}, when: {{store: XX-9}}, mode: hold}}",
        "5:46: rules[0].when.store: unknown store 'XX-9'; known here: DE-001, NL-001, NL-002",
    ),
    Case(
        "empty value",
        f"{{{INTAKE}, when: {{region: ''}}, mode: cloud}}",
        "5:49: rules[0].when.region: is empty; write a value, or remove the key",
    ),
    Case(
        "empty list",
        f"{{{INTAKE}, when: {{region: []}}, mode: cloud}}",
        "5:49: rules[0].when.region: is an empty list; name at least one value, or remove the key",
    ),
    Case(
        "value twice",
        f"{{{INTAKE}, when: {{region: [N, N]}}, mode: cloud}}",
        "5:53: rules[0].when.region[1]: 'N' stands twice in the list; remove one of them",
    ),
    Case(
        "value that is a mapping",
        f"{{{INTAKE}, when: {{region: {{a: b}}}}, mode: cloud}}",
        "5:49: rules[0].when.region: is not a value; write a word, a prefix such as "
        "NL-*, or {from: NL-001, to: NL-020}: the same text but for the number at its end, with "
        "as many digits",
    ),
    Case(
        "range without an end",
        f"{{{INTAKE}, when: {{region: {{from: N1}}}}, mode: cloud}}",
        "5:49: rules[0].when.region: is not a value; write a word, a prefix such as "
        "NL-*, or {from: NL-001, to: NL-020}: the same text but for the number at its end, with "
        "as many digits",
    ),
    Case(
        "range of two kinds",
        f"{{{SALE}, when: {{store: {{from: NL-001, to: DE-001}}}}, mode: hold}}",
        "5:46: rules[0].when.store: from 'NL-001' to 'DE-001' is not a range; write {from: NL-001, "
        "to: NL-020}: the same text but for the number at its end, with as many digits",
    ),
    Case(
        "range whose digits differ in number",
        f"{{{SALE}, when: {{store: {{from: NL-1, to: NL-20}}}}, mode: hold}}",
        "5:46: rules[0].when.store: from 'NL-1' to 'NL-20' is not a range; write {from: NL-001, "
        "to: NL-020}: the same text but for the number at its end, with as many digits",
    ),
    Case(
        "range that ends before it begins",
        f"{{{SALE}, when: {{store: {{from: NL-002, to: NL-001}}}}, mode: hold}}",
        "5:46: rules[0].when.store: ends with NL-001, before NL-002; swap 'from' and 'to'",
    ),
    Case(
        "range that is too long",
        f"{{{SALE}, when: {{store: {{from: NL-00000, to: NL-10000}}}}, mode: hold}}",
        "5:46: rules[0].when.store: stands for 10001 values; keep to 10000: write a prefix, such "
        "as NL-*",
    ),
    Case(
        "range with an unknown end",
        f"{{{SALE}, when: {{store: {{from: NL-001, to: NL-009}}}}, mode: hold}}",
        "5:46: rules[0].when.store: unknown store 'NL-009'; did you mean 'NL-002'? known here: "
        "DE-001, NL-001, NL-002",
    ),
    Case(
        "prefix of nothing known",
        f"{{{SALE}, when: {{store: BE-*}}, mode: hold}}",
        "5:46: rules[0].when.store: no store begins with 'BE-'; known here: DE-001, NL-001, NL-002",
    ),
    Case(
        "star alone",
        f"{{{SALE}, when: {{store: '*'}}, mode: hold}}",
        "5:46: rules[0].when.store: matches everything; remove the key: then any value will do",
    ),
    Case(
        "star in the middle",
        f"{{{SALE}, when: {{store: N*-001}}, mode: hold}}",
        "5:46: rules[0].when.store: 'N*-001' has a '*' that does not end it; a prefix is written "
        "PREFIX*, and nothing else may hold a '*'",
    ),
    Case(
        "value within a prefix of the same list",
        f"{{{SALE}, when: {{store: [NL-*, NL-001]}}, mode: hold}}",
        "5:53: rules[0].when.store[1]: 'NL-001' is part of 'NL-*' in the same list; remove it",
    ),
    Case(
        "prefix within a prefix of the same list",
        f"{{{SALE}, when: {{store: [NL-0*, NL-*]}}, mode: hold}}",
        "5:47: rules[0].when.store[0]: 'NL-0*' is part of 'NL-*' in the same list; remove it",
    ),
    Case(
        "business date that is one day",
        f"{{{SALE}, when: {{business_date: 2026-11-21}}, mode: hold}}",
        "5:54: rules[0].when.business_date: is not a range of days; write {from: YYYY-MM-DD, to: "
        "YYYY-MM-DD}; both count, either may be left out",
    ),
    Case(
        "business date without days",
        f"{{{SALE}, when: {{business_date: {{}}}}, mode: hold}}",
        "5:54: rules[0].when.business_date: is not a range of days; write {from: YYYY-MM-DD, to: "
        "YYYY-MM-DD}; both count, either may be left out",
    ),
    Case(
        "business date with another key",
        f"{{{SALE}, when: {{business_date: {{from: 2026-11-21, til: 2026-11-22}}}}, mode: hold}}",
        "5:73: rules[0].when.business_date.til: unknown key 'til'; known here: from, to",
    ),
    Case(
        "day that does not exist",
        f"{{{SALE}, when: {{business_date: {{from: 2026-02-30}}}}, mode: cloud}}",
        "5:61: rules[0].when.business_date.from: '2026-02-30' is not a day; write YYYY-MM-DD",
    ),
    Case(
        "template that nobody filled in",
        f"{{{SALE}, when: {{business_date: {{from: '${{today}}'}}}}, mode: cloud}}",
        "5:61: rules[0].when.business_date.from: '${today}' is not a day; write YYYY-MM-DD",
    ),
    Case(
        "day in another notation",
        f"{{{SALE}, when: {{business_date: {{from: 20261121}}}}, mode: cloud}}",
        "5:61: rules[0].when.business_date.from: '20261121' is not a day; write YYYY-MM-DD",
    ),
    Case(
        "days the wrong way round",
        f"{{{SALE}, when: {{business_date: {{from: 2026-11-22, to: 2026-11-21}}}}, mode: cloud}}",
        "5:54: rules[0].when.business_date: ends on 2026-11-21, before it begins on 2026-11-22; "
        "swap 'from' and 'to'",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_problem_of_when(files: RuleFiles, case: Case) -> None:
    files.wave(f"- {case.rule}\n")

    assert files.problems() == [f"waves/w.yaml:{case.said}"]


def test_too_many_combinations_of_one_rule(files: RuleFiles) -> None:
    many = ", ".join(f"v{n}" for n in range(101))
    files.wave(f"- {{{INTAKE}, when: {{region: [{many}], node: [{many}]}}, mode: cloud}}\n")

    assert files.problems() == [
        (
            "waves/w.yaml:5:40: rules[0].when: stands for 10201 combinations of values; keep to "
            "10000: route by fewer dimensions, or by a coarser one"
        )
    ]


def test_too_many_combinations_of_all_rules(files: RuleFiles) -> None:
    many = ", ".join(f"v{n}" for n in range(100))
    files.wave("".join(
        f"- {{id: r{n}, process: order.intake, mode: cloud, "
        f"when: {{country: C{n}, region: [{many}], node: [{many}]}}}}\n"
        for n in range(50)
    ))  # fmt: skip

    assert files.problems() == [
        (
            "waves/w.yaml:54:3: rules[49]: up to 'r49' the rules stand for more than 500000 "
            "combinations of values; route by fewer dimensions, or by coarser ones"
        )
    ]


def test_values_are_checked_only_where_the_names_are_known(files: RuleFiles) -> None:
    files.wave(f"- {{{INTAKE}, when: {{channel: any, legal_entity: XX}}, mode: cloud}}\n")

    assert load(files.root, Vocabulary()).rules_of("order.intake")[0].when == (
        ("channel", ("any",)),
        ("legal_entity", ("XX",)),
    )
    assert [said.split(":")[3] for said in files.problems(Vocabulary(channels=set()))] == [
        " rules[0].when.channel"
    ]


def test_where_no_channel_is_configured_none_is_listed(files: RuleFiles) -> None:
    files.wave(f"- {{{INTAKE}, {WEB}, mode: cloud}}\n")

    assert files.problems(Vocabulary(channels=frozenset())) == [
        "waves/w.yaml:5:50: rules[0].when.channel: unknown channel 'webshop'; none is configured"
    ]


def test_a_long_list_of_names_is_cut(files: RuleFiles) -> None:
    files.wave(f"- {{{SALE}, when: {{store: X}}, mode: hold}}\n")

    assert files.problems(Vocabulary(stores={f"S{n:02d}" for n in range(15)})) == [
        (
            "waves/w.yaml:5:46: rules[0].when.store: unknown store 'X'; known here: S00, S01, S02, "
            "S03, S04, S05, S06, S07, S08, S09, S10, S11 and 3 more"
        )
    ]
