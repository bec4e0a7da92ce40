"""One problem at a time, with the exact text: file, line, column, key, problem; remedy."""

from __future__ import annotations

import pytest

from tests.unit.routing.conftest import INTAKE, SALE, WEB, Case, RuleFiles

CASES = [
    Case(
        "unknown key",
        f"{{{INTAKE}, {WEB}, mode: cloud, shadw: legacy}}",
        "5:73: rules[0].shadw: unknown key 'shadw'; did you mean 'shadow'? known here: id, "
        "process, when, mode, cloud_percent, sticky_by, shadow",
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
        "5:8: rules[0].id: is empty; write a value, or remove the key",
    ),
    Case(
        "unknown process",
        f"{{id: a, process: order.intak, {WEB}, mode: cloud}}",
        "5:20: rules[0].process: unknown process 'order.intak'; did you mean 'order.intake'? "
        "known here: order.intake, order.cancellation, return.authorisation, return.receipt, "
        "return.credit, store.sale, inventory.availability, catalog.product, catalog.price",
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
        "message, so there is no owner to ask; use legacy or cloud or split or hold",
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
        "legal_entity, country, region, customer_group, node in 'when', or change "
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
