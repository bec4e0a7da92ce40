"""Rule sets of the demo: filled in, read back, put into words; and the gateway accepts them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.routing.loader import load
from loadtests.demo import rules
from loadtests.demo.errors import DemoError
from loadtests.demo.rules import Route
from loadtests.demo.timeline import RULES_FIRST, RULES_WAVE_1, RULES_WAVE_2

TODAY = date(2026, 11, 21)
ALL = (RULES_FIRST, RULES_WAVE_1, RULES_WAVE_2)


@pytest.mark.parametrize("name", ALL)
def test_a_filled_in_rule_set_holds_the_date_and_no_token(name: str, tmp_path: Path) -> None:
    folder = rules.fill(name, TODAY, tmp_path)
    written = [
        line.split("#")[0]
        for file in folder.rglob("*.yaml")
        for line in file.read_text().split("\n")
    ]
    assert folder == tmp_path / name
    assert not [line for line in written if "${" in line]
    assert any("2026-11-21" in line for line in written) == (name != RULES_FIRST)


@pytest.mark.parametrize("name", ALL)
def test_the_gateway_loads_what_the_audit_reads(name: str, tmp_path: Path) -> None:
    folder = rules.fill(name, TODAY, tmp_path)
    loaded = load(folder)
    assert sorted(rule["id"] for rule in rules.read(folder)) == sorted(
        rule.rule_id for rule in loaded.rules
    )


def test_a_token_nobody_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a.yaml").write_text("# ${free} in a comment\nrules: ['${yesterday}']\n")
    monkeypatch.setattr(rules, "TEMPLATES", tmp_path)
    with pytest.raises(DemoError, match=r"a\.yaml.*yesterday.*only \$\{today\} is filled in"):
        rules.fill("odd", TODAY, tmp_path / "out")


def test_a_rule_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="9-nothing holds no rule files"):
        rules.fill("9-nothing", TODAY, tmp_path)


def test_routes_in_words_leave_the_defaults_out(tmp_path: Path) -> None:
    first = rules.read(rules.fill(RULES_FIRST, TODAY, tmp_path))
    waves = rules.read(rules.fill(RULES_WAVE_2, TODAY, tmp_path))
    assert rules.routes(first) == [
        Route("new orders", "NL01", "legacy, compared with cloud"),
        Route("availability", "webshop · NL01", "legacy, compared with cloud"),
    ]
    found = rules.routes(waves)
    assert Route("store sales", "NL-001, NL-002, NL-003 · from 2026-11-21", "cloud") in found
    assert Route("new orders", "NL01", "30 % cloud by customer_ref") in found
    assert Route("new orders", "DE01", "cloud") in found
    assert not [route for route in found if "default" in route.whom]


def test_other_dimensions_are_named() -> None:
    rule = {"process": "order.intake", "mode": "cloud", "when": {"country": "BE"}}
    assert rules.routes([rule]) == [Route("new orders", "country BE", "cloud")]
