"""One problem at a time, with the exact text: file, line, column, key, problem; remedy."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from gateway.routing.loader import load
from gateway.routing.model import Vocabulary
from tests.unit.routing.conftest import RuleFiles


class Case(NamedTuple):
    """A rule as the file's only one (it begins in line 5, column 3) and what is said of it."""

    name: str
    rule: str
    said: str


INTAKE = "id: a, process: order.intake"
SALE = "id: a, process: store.sale"
WEB = "when: {channel: webshop}"

CASES = [
    Case(
        "unknown key",
        f"{{{INTAKE}, {WEB}, mode: cloud, shadw: legacy}}",
        "5:73: rules[0].shadw: unknown key 'shadw'; did you mean 'shadow'? known here: id, "
        "process, "
        "when, mode, cloud_percent, sticky_by, shadow",
    ),
    Case(
        "unknown key like none",
        f"{{{INTAKE}, {WEB}, mode: cloud, 7: x}}",
        "5:73: rules[0].7: unknown key '7'; known here: id, process, when, mode, cloud_percent, "
        "sticky_by, shadow",
    ),
    Case(
        "key given twice",
        f"{{{INTAKE}, {WEB}, mode: cloud, mode: legacy}}",
        "5:73: rules[0].mode: is given twice, first in line 5; keep one of them",
    ),
    Case(
        "missing id",
        f"{{process: order.intake, {WEB}, mode: cloud}}",
        "5:3: rules[0]: has no 'id'; add `id: …`",
    ),
    Case(
        "missing process",
        f"{{id: a, {WEB}, mode: cloud}}",
        "5:3: rules[0]: has no 'process'; add `process: …`",
    ),
    Case(
        "missing mode",
        f"{{{INTAKE}, {WEB}}}",
        "5:3: rules[0]: has no 'mode'; add `mode: …`",
    ),
    Case(
        "rule is no mapping",
        "order.intake",
        "5:3: rules[0]: is not a mapping; write `key: value` pairs",
    ),
    Case(
        "id that is no name",
        f"{{id: My Rule, process: order.intake, {WEB}, mode: cloud}}",
        "5:8: rules[0].id: 'My Rule' is not a name; use 1 to 64 of a-z, 0-9, '.', '_' and '-', "
        "starting with a letter or digit",
    ),
    Case(
        "id that is a list",
        f"{{id: [a], process: order.intake, {WEB}, mode: cloud}}",
        "5:8: rules[0].id: is not a single value; write one word or number",
    ),
    Case(
        "empty id",
        f"{{id: , process: order.intake, {WEB}, mode: cloud}}",
        "5:7: rules[0].id: is empty; write a value, or remove the key",
    ),
    Case(
        "unknown process",
        f"{{id: a, process: order.intak, {WEB}, mode: cloud}}",
        "5:20: rules[0].process: unknown process 'order.intak'; did you mean 'order.intake'? "
        "known here: order.intake, order.cancellation, return.credit, store.sale, "
        "inventory.availability, catalog.product, catalog.price",
    ),
    Case(
        "unknown mode",
        f"{{{INTAKE}, {WEB}, mode: clowd}}",
        "5:66: rules[0].mode: unknown mode 'clowd'; did you mean 'cloud'? known here: legacy, "
        "cloud, split, hold, owner",
    ),
    Case(
        "follow-up to an ERP",
        f"{{id: a, process: order.cancellation, {WEB}, mode: cloud}}",
        "5:72: rules[0].mode: order.cancellation cannot have mode 'cloud': it goes to the owner of "
        "its business object, whichever ERP that is; use owner or hold",
    ),
    Case(
        "owner of a new object",
        f"{{{INTAKE}, {WEB}, mode: owner}}",
        "5:66: rules[0].mode: order.intake cannot have mode 'owner': it follows no earlier "
        "message, "
        "so there is no owner to ask; use legacy or cloud or split or hold",
    ),
    Case(
        "held read",
        f"{{id: a, process: catalog.price, {WEB}, mode: hold}}",
        "5:67: rules[0].mode: catalog.price cannot have mode 'hold': reads go on while writes are "
        "held; use legacy or cloud or split",
    ),
    Case(
        "split of what may not be split",
        f"{{{SALE}, {WEB}, mode: split, cloud_percent: 5, sticky_by: store}}",
        "5:64: rules[0].mode: store.sale cannot have mode 'split': it moves by legal entity or "
        "store, never by percentage; use legacy or cloud or hold",
    ),
    Case(
        "store sales to the cloud without a day",
        f"{{{SALE}, {WEB}, mode: cloud}}",
        "5:64: rules[0].mode: store.sale moves from a business day on, and 'when' names none; add "
        "business_date: {from: YYYY-MM-DD}: late sales of earlier days still reach those days' ERP",
    ),
    Case(
        "store sales to the cloud up to a day",
        f"{{{SALE}, when: {{business_date: {{to: 2026-11-30}}}}, mode: cloud}}",
        "5:79: rules[0].mode: store.sale moves from a business day on, and 'when' names none; add "
        "business_date: {from: YYYY-MM-DD}: late sales of earlier days still reach those days' ERP",
    ),
    Case(
        "split without percentage",
        f"{{{INTAKE}, {WEB}, mode: split, sticky_by: customer_ref}}",
        "5:3: rules[0]: has no 'cloud_percent'; add `cloud_percent: …`",
    ),
    Case(
        "split without sticky key",
        f"{{{INTAKE}, {WEB}, mode: split, cloud_percent: 5}}",
        "5:3: rules[0]: has no 'sticky_by'; add `sticky_by: …`",
    ),
    Case(
        "unknown sticky key",
        f"{{{INTAKE}, {WEB}, mode: split, cloud_percent: 5, sticky_by: sku}}",
        "5:102: rules[0].sticky_by: unknown sticky key 'sku'; known here: customer_ref, order_ref",
    ),
    Case(
        "percentage without split",
        f"{{{INTAKE}, {WEB}, mode: cloud, cloud_percent: 5}}",
        "5:88: rules[0].cloud_percent: means nothing with mode 'cloud'; remove it",
    ),
    Case(
        "shadow of a split",
        f"{{{INTAKE}, {WEB}, mode: split, cloud_percent: 5, sticky_by: order_ref, shadow: cloud}}",
        "5:121: rules[0].shadow: mode 'split' has no shadow; remove it: only legacy and cloud have "
        "one",
    ),
    Case(
        "its own shadow",
        f"{{{INTAKE}, {WEB}, mode: cloud, shadow: cloud}}",
        "5:81: rules[0].shadow: 'cloud' serves already, it cannot be its own shadow; use legacy",
    ),
    Case(
        "unknown shadow",
        f"{{{INTAKE}, {WEB}, mode: cloud, shadow: hold}}",
        "5:81: rules[0].shadow: unknown shadow 'hold'; known here: legacy, cloud",
    ),
    Case(
        "rule of a wave without when",
        f"{{{INTAKE}, mode: cloud}}",
        "5:3: rules[0]: a rule of a wave must say when it applies; name some of channel, "
        "legal_entity, country, region, customer_group, node, brand, category in 'when', or change "
        "the default in defaults.yaml instead",
    ),
    Case(
        "rule of a wave with an empty when",
        f"{{{SALE}, when: {{}}, mode: hold}}",
        "5:38: rules[0].when: a rule of a wave must say when it applies; name some of channel, "
        "legal_entity, store, business_date in 'when', or change the default in defaults.yaml "
        "instead",
    ),
    Case(
        "when is no mapping",
        f"{{{INTAKE}, when: webshop, mode: cloud}}",
        "5:40: rules[0].when: is not a mapping; write `key: value` pairs",
    ),
    Case(
        "unknown dimension",
        f"{{{INTAKE}, when: {{chanel: webshop}}, mode: cloud}}",
        "5:41: rules[0].when.chanel: unknown key 'chanel'; did you mean 'channel'? known here: "
        "channel, legal_entity, country, region, customer_group, node, brand, category",
    ),
    Case(
        "dimension outside the routing basis",
        f"{{{INTAKE}, when: {{store: NL-001}}, mode: cloud}}",
        "5:48: rules[0].when.store: order.intake is not routed by 'store'; its dimensions are "
        "channel, legal_entity, country, region, customer_group, node, brand, category",
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
        "5:49: rules[0].when.region: is not a single value; write one word or number",
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
def test_a_problem_of_one_rule(files: RuleFiles, case: Case) -> None:
    files.wave(f"- {case.rule}\n")

    assert files.problems() == [f"waves/w.yaml:{case.said}"]


@pytest.mark.parametrize(
    "percent", ["101", "100.01", "-1", "12.345", "'30'", "30%", "1e1", ".5", "nan"]
)
def test_what_is_not_a_percentage(files: RuleFiles, percent: str) -> None:
    files.wave(f"""
        - {{{INTAKE}, {WEB}, mode: split, sticky_by: order_ref,
           cloud_percent: {percent}}}
    """)

    assert files.problems() == [
        (
            f"waves/w.yaml:6:19: rules[0].cloud_percent: '{percent.strip(chr(39))}' is not a "
            "percentage; "
            "write a number from 0 to 100, with at most two decimals and without quotes or %"
        )
    ]


def test_too_many_combinations_of_one_rule(files: RuleFiles) -> None:
    many = ", ".join(f"v{n}" for n in range(101))
    files.wave(f"- {{{INTAKE}, when: {{region: [{many}], brand: [{many}]}}, mode: cloud}}\n")

    assert files.problems() == [
        (
            "waves/w.yaml:5:40: rules[0].when: stands for 10201 combinations of values; keep to "
            "10000: "
            "route by fewer dimensions, or by a coarser one"
        )
    ]


def test_too_many_combinations_of_all_rules(files: RuleFiles) -> None:
    many = ", ".join(f"v{n}" for n in range(100))
    files.wave("".join(
        f"- {{id: r{n}, process: order.intake, mode: cloud, "
        f"when: {{country: C{n}, region: [{many}], brand: [{many}]}}}}\n"
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
            "S03, "
            "S04, S05, S06, S07, S08, S09, S10, S11 and 3 more"
        )
    ]


def test_every_problem_of_every_file_is_told_at_once_in_reading_order(files: RuleFiles) -> None:
    files.wave(f"- {{{INTAKE}, when: {{store: X, chanel: y}}, mode: clowd, x: 1}}\n", name="w1")
    files.wave("- {id: B, process: p}\n- {id: b, process: store.sale, mode: hold}\n", name="w2")
    files.write("waves/w3.yaml", "wave: w3\n")

    told = [said.split(": ")[:2] for said in files.problems()]

    assert told == [
        ["waves/w1.yaml:5:48", "rules[0].when.store"],
        ["waves/w1.yaml:5:51", "rules[0].when.chanel"],
        ["waves/w1.yaml:5:69", "rules[0].mode"],
        ["waves/w1.yaml:5:76", "rules[0].x"],
        ["waves/w2.yaml:5:3", "rules[0]"],
        ["waves/w2.yaml:5:8", "rules[0].id"],
        ["waves/w2.yaml:5:20", "rules[0].process"],
        ["waves/w2.yaml:6:3", "rules[1]"],
        ["waves/w3.yaml:1:1", "(file)"],
        ["waves/w3.yaml:1:1", "(file)"],
    ]
