"""`coexist wave ready | status | guardrails` as a shell sees them, against an installation."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contract.command_line import coexist, ended
from tests.processes import ROOT

WAVE = "1-first-stores-and-split"


@pytest.fixture
def rules(home: Path) -> Path:
    """Rules of the rehearsal: everything in legacy, in force; then a first wave."""
    legacy = ROOT / "loadtests" / "rules" / "0-all-legacy"
    coexist("rules", "apply", str(legacy), "--yes")
    shutil.copytree(ROOT / "loadtests" / "rules" / WAVE, home / "draft")
    wave = home / "draft" / "waves" / f"{WAVE}.yaml"
    wave.write_text(wave.read_text().replace("${today}", datetime.now(UTC).date().isoformat()))
    return home / "draft"


def test_a_wave_is_ready_in_force_and_looked_at(home: Path, rules: Path) -> None:
    names = {path.stem for path in (rules / "waves").iterdir()}
    assert names == {WAVE}
    name = WAVE.partition("-")[2]
    found = json.loads(coexist("wave", "ready", name, "--rules", str(rules), "--json"))
    assert (found["wave"], found["go"], found["changes"]) == (name, True, True)
    assert [gate["name"] for gate in found["gates"] if not gate["green"]] == []
    shown = coexist("wave", "ready", name, "--rules", str(rules))
    assert len(shown.splitlines()) == len(found["gates"])
    assert all(line.startswith("green ") for line in shown.splitlines())

    assert coexist("wave", "status") == "no wave is in force\n"
    assert json.loads(coexist("wave", "status", "--json")) == []
    assert coexist("wave", "guardrails") == (
        "no guardrail has looked yet; they do while a wave that has some is in force\n"
    )
    assert json.loads(coexist("wave", "guardrails", "--json")) == []

    coexist("rules", "apply", str(rules), "--yes")
    (status,) = json.loads(coexist("wave", "status", "--json"))
    assert status["wave"] == name
    assert "  no traffic of its processes yet" in coexist("wave", "status", name).splitlines()
    again = coexist("wave", "ready", name, "--rules", str(rules)).splitlines()
    assert again[0] == f"{name} is in force as the files say it; there is nothing to apply"


def test_rules_with_problems_are_a_red_gate(home: Path, rules: Path) -> None:
    wave = rules / "waves" / f"{WAVE}.yaml"
    wave.write_text(wave.read_text().replace("mode: split", "mode: spilt"))
    code, out, _ = ended("wave", "ready", "any", "--rules", str(rules))
    assert code == 1
    first, *problems, last = out.splitlines()
    assert first.startswith("RED    rules         2 problem(s) in the rule files  [migration lead]")
    assert any("unknown mode 'spilt'" in line and f"{WAVE}.yaml:" in line for line in problems)
    assert last == "the other gates were not asked: they are about rules that can be read"
    code, out, _ = ended("wave", "ready", "any", "--rules", str(rules), "--json")
    said = json.loads(out)
    assert (code, said["go"], [it["name"] for it in said["gates"]]) == (1, False, ["rules"])
    assert any(it["key"].endswith("mode") for it in said["problems"])


def test_a_wave_nobody_knows_is_named_with_those_that_are(home: Path, rules: Path) -> None:
    code, out, err = ended("wave", "ready", "nobody", "--rules", str(rules))
    assert (code != 0, out) == (True, "")
    assert "no wave 'nobody' in the rule files; known here: " in err
    code, _, err = ended("wave", "status", "nobody")
    assert code != 0
    assert "no wave 'nobody' is in force" in err
