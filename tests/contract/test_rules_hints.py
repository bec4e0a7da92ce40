"""What commands about rules say to whoever names something that does not exist, or does nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.contract.command_line import coexist, ended
from tests.processes import ROOT


def test_what_does_not_exist_is_named_with_what_does(home: Path) -> None:
    version = json.loads(coexist("rules", "apply", "--yes", "--json"))["version"]

    wrong = ended("rules", "diff", "nothere")
    assert (wrong.exit_code, wrong.out) == (1, "")
    assert wrong.err == (
        "coexist: 'nothere' is neither a folder of rule files nor a rule version that is stored "
        f"here; name a folder, a version, or in-force; stored here: {version}\n"
    )
    for command in (
        ("diff", "in-force", "0123456789ab"),
        ("left", "nothere"),
        ("dryrun", "nothere"),
    ):
        told = ended("rules", *command)
        assert told.exit_code == 1
        assert told.err.endswith(f"or in-force; stored here: {version}\n"), told.err

    asked = ended("rules", "explain", "catalog.price", "channel=webshp", "legal_entity=NL01")
    assert asked.exit_code == 0
    assert "note: channel 'webshp' is not configured here; did you mean 'webshop'?" in asked.err
    assert ended("rules", "explain", "catalog.price", "channel=webshop").err == ""

    for flags in ((), ("--json",)):
        unknown = ended("rules", "approvals", "--evidence", "p-none", *flags)
        assert (unknown.exit_code, unknown.out) == (1, "")
        assert "no proposal 'p-none'; `coexist rules approvals` lists them" in unknown.err

    late = ended("rules", "schedule", "--at", "2020-02-01T02:00+01:00")
    assert late.exit_code == 1
    assert "2020-02-01T02:00:00+01:00 has passed, it is " in late.err
    assert "." not in late.err.partition("it is ")[2].partition(";")[0], "no fractions of a second"

    before = coexist("audit", "export")
    settled = ended("reconcile", "settle", "00-none", "--reason", "reversed", "--json")
    assert settled.exit_code == 1
    assert "00-none is not known to be booked twice" in settled.err
    assert coexist("audit", "export") == before, "nothing was done, and none is on record"

    long_ago = ended("rules", "dryrun", "--since", "99999999999d")
    assert long_ago.exit_code == 2
    assert "'99999999999d' is no time" in long_ago.said


def test_a_wave_that_changes_nothing_is_told(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "routing_rules", tmp_path / "rules")
    idle = "wave: later\nowner: somebody\nrules: []\n"
    (tmp_path / "rules" / "waves" / "9-later.yaml").write_text(idle)

    shown = ended("rules", "check", str(tmp_path / "rules"))
    assert shown.exit_code == 0
    assert "note: wave later has no rules, so it changes nothing\n" in shown.out
    found = json.loads(ended("rules", "check", str(tmp_path / "rules"), "--json").out)
    assert (found["ok"], found["waves_without_rules"]) == (True, ["later"])


def test_without_an_installation_a_name_that_is_nothing_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = ended("rules", "diff", str(tmp_path / "nothere"), str(ROOT / "routing_rules"))
    assert told.exit_code == 1
    assert "is neither a folder of rule files nor a rule version that is stored here" in told.err
