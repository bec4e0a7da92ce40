"""The published JSON Schema and ``rules check``: what one accepts the other does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.processes import ROOT
from tests.unit.routing.conftest import DEFAULTS, INTAKE, SALE, WEB, Case
from tests.unit.routing.test_rule_problems import CASES

SCHEMA = jsonschema_rs.validator_for(
    json.loads((ROOT / "routing_rules" / "rules.schema.json").read_text())
)
SHIPPED = sorted(
    file
    for folder in ("routing_rules", "loadtests/rules", "tests/chaos/rules")
    for file in (ROOT / folder).rglob("*.yaml")
)

#: What no schema can say: it sees what a file means, not how it is written.
BEYOND = {"key given twice"}


def accepts(text: str) -> bool:
    document: Any = yaml.safe_load(text)
    return SCHEMA.is_valid(json.loads(json.dumps(document, default=str)))


def wave(rule: str) -> str:
    return f"wave: w\nowner: o\nrules:\n- {rule}\n"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(ROOT)))
def test_it_accepts_every_file_that_is_shipped(file: Path) -> None:
    # The rehearsals put a day in when they begin.
    assert accepts(file.read_text().replace("${today}", "2026-11-21"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_check_refuses_it_refuses(case: Case) -> None:
    assert accepts(wave(case.rule)) is (case.name in BEYOND)


@pytest.mark.parametrize(
    "rule",
    [
        f"{{{INTAKE}, {WEB}, mode: cloud}}",
        f"{{{INTAKE}, {WEB}, mode: hold}}",
        f"{{{INTAKE}, {WEB}, mode: split, cloud_percent: 2.5, sticky_by: order_ref}}",
        "{id: a, process: catalog.price, when: {node: 1}, mode: legacy, shadow: cloud}",
        "{id: a, process: catalog.price, when: {node: 1}, mode: cloud, shadow: legacy}",
        f"{{{SALE}, when: {{business_date: {{from: 2026-11-21}}}}, mode: cloud}}",
        f"{{{SALE}, when: {{store: {{from: NL-001, to: NL-009}}}}, mode: legacy}}",
    ],
)
def test_what_is_right_it_accepts(rule: str) -> None:
    assert accepts(wave(rule))


def test_defaults_are_judged_as_defaults() -> None:
    def defaults(**changed: str) -> str:
        rules = [
            {"id": f"default-{name}", "process": name, "mode": mode}
            for name, mode in {**DEFAULTS, **changed}.items()
        ]
        return yaml.safe_dump({"rules": rules})

    assert accepts(defaults())
    assert accepts(defaults(**{"order.intake": "cloud"}))
    assert not accepts(defaults(**{"store.sale": "cloud"}))
    assert not accepts(defaults(**{"return.credit": "legacy"}))
