"""Guardrails in a wave's file: read, kept in the version, and every way to get one wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.canonical.guardrail import SIGNALS, Guardrail, Signal
from gateway.errors import RulesError
from gateway.routing.pausing import paused
from gateway.routing.ruleset import parse
from gateway.routing.schema import schema
from tests.unit.flow.governed import intake, rules

GOOD = {
    "signal": "held_objects", "above": 3, "window_s": 600, "samples_min": 10,
    "no_data": "trip", "cool_down_s": 60,
}  # fmt: skip


def test_guardrails_are_part_of_the_version_and_read_back(tmp_path: Path) -> None:
    bare = rules(tmp_path, {"nl": intake()})
    guarded = rules(tmp_path, {"nl": intake(guardrails=[GOOD])})
    stricter = rules(tmp_path, {"nl": intake(guardrails=[{**GOOD, "above": 2}])})
    assert len({bare.version, guarded.version, stricter.version}) == 3
    assert parse(guarded.text, guarded.version) == guarded
    assert "guardrails" not in bare.text
    assert guarded.waves[0].guardrails == (
        Guardrail(Signal.HELD_OBJECTS, 3.0, 600, 10, trips_without_data=True, cool_down_s=60),
    )


WRONG = {
    "signal": ("erp_errors", "unknown signal 'erp_errors'", "did you mean 'erp_error_rate'"),
    "above": ("5 %", "'5 %' is not a limit", "write a number of at least 0"),
    "window_s": (0, "'0' is not a number of seconds", "from 1 to 86400"),
    "samples_min": (0, "'0' is not a number of samples", "from 1 up"),
    "no_data": ("hold", "unknown rule 'hold'", "pass, trip"),
    "cool_down_s": ("1h", "'1h' is not a number of seconds", "whole seconds"),
}


@pytest.mark.parametrize("key", WRONG)
def test_what_is_wrong_is_named_with_the_remedy(tmp_path: Path, key: str) -> None:
    value, problem, remedy = WRONG[key]
    with pytest.raises(RulesError) as caught:
        rules(tmp_path, {"nl": intake(guardrails=[{**GOOD, key: value}])})
    (found,) = caught.value.problems
    assert problem in found.problem
    assert remedy in found.remedy
    assert found.key == f"guardrails[0].{key}"


def test_what_is_missing_or_twice_is_told(tmp_path: Path) -> None:
    short = {name: value for name, value in GOOD.items() if name != "samples_min"}
    with pytest.raises(RulesError, match="has no 'samples_min'"):
        rules(tmp_path, {"nl": intake(guardrails=[short])})
    with pytest.raises(RulesError, match="'held_objects' is guarded twice"):
        rules(tmp_path, {"nl": intake(guardrails=[GOOD, GOOD])})


def test_the_schema_knows_every_signal() -> None:
    options = json.loads(schema())["$defs"]["guardrail"]["properties"]["signal"]["oneOf"]
    assert {it["const"] for it in options} == set(SIGNALS)


STOCK = {
    "id": "stock", "process": "catalog.price", "when": {"legal_entity": "NL01"},
    "mode": "split", "cloud_percent": 50, "sticky_by": "sku",
}  # fmt: skip


def with_stock(**changes: object) -> dict[str, object]:
    wave = intake()
    wave["rules"].append({**STOCK, **changes})  # type: ignore[attr-defined]
    return wave


def test_reads_go_back_one_step_and_writes_wait(tmp_path: Path) -> None:
    before = rules(tmp_path, {"nl": with_stock(cloud_percent=10)})
    now = rules(tmp_path, {"nl": with_stock()})
    found = {rule.rule_id: rule for rule in paused(now, before, "nl").rules}
    assert found["stock"].percent_hundredths == 1000
    assert found["intake-nl01"].mode == "hold"
    fresh = {rule.rule_id: rule for rule in paused(now, rules(tmp_path), "nl").rules}
    assert fresh["stock"].mode == "legacy"


def test_pausing_touches_no_other_wave_and_stays_valid(tmp_path: Path) -> None:
    both = {"nl": intake(guardrails=[GOOD]), "de": intake(entity="DE01")}
    now = rules(tmp_path, both)
    changed = paused(now, None, "nl")
    assert parse(changed.text, changed.version) == changed
    assert {rule.rule_id for rule in set(now.rules) ^ set(changed.rules)} == {"intake-nl01"}
    assert changed.waves == now.waves
