"""Owners, the audit log and a rollback as a shell sees them, against an installation."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contract.command_line import coexist, ended
from tests.processes import ROOT

RULES = ROOT / "loadtests" / "rules"
OWNERS = """\
owner,channel,order_ref
cloud,webshop,OLD-1
legacy,webshop,OLD-2
"""


@pytest.fixture
def installation(home: Path) -> Path:
    (home / "owners.csv").write_text(OWNERS)
    coexist("rules", "apply", str(RULES / "0-all-legacy"), "--yes", "--by", "ada")
    return home


def draft(installation: Path, name: str) -> str:
    """Copy a rule directory of the rehearsals, and put its day in."""
    copied = shutil.copytree(RULES / name, installation / name)
    for file in (copied / "waves").iterdir():
        today = datetime.now(UTC).date().isoformat()
        file.write_text(file.read_text().replace("${today}", today))
    return str(copied)


def test_owners_are_imported_shown_and_exported(installation: Path) -> None:
    file = installation / "owners.csv"
    coexist("owner", "import", str(file), "--by", "ada", "--note", "before the first wave")
    found = json.loads(coexist("owner", "show", "order:webshop:OLD-1", "--json"))
    assert found["owner"] == "cloud"
    assert "cloud" in coexist("owner", "show", "order:webshop:OLD-1")
    unknown = ended("owner", "show", "order:webshop:NEW-1")
    assert "order:webshop:NEW-1" in unknown.out + unknown.err

    contradicting = installation / "again.csv"
    contradicting.write_text(OWNERS.replace("cloud,webshop,OLD-1", "legacy,webshop,OLD-1"))
    faults = installation / "faults.csv"
    done = ended("owner", "import", str(contradicting), "--faults", str(faults), "--by", "ada")
    assert done.exit_code == 1
    assert "OLD-1" in faults.read_text()
    kept = json.loads(coexist("owner", "show", "order:webshop:OLD-1", "--json"))
    assert kept["owner"] == "cloud", "what contradicts changes nothing"

    exported = installation / "exported.csv"
    coexist("owner", "export", str(exported))
    lines = exported.read_text().splitlines()
    assert any("order:webshop:OLD-1" in line and "cloud" in line for line in lines)
    assert any("order:webshop:OLD-2" in line and "legacy" in line for line in lines)


def test_the_audit_log_is_exported_and_a_changed_row_is_found(installation: Path) -> None:
    coexist("owner", "import", str(installation / "owners.csv"), "--by", "bob")
    log = installation / "audit.jsonl"
    coexist("audit", "export", "--output", str(log))
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert rows
    coexist("audit", "verify")
    coexist("audit", "verify", "--file", str(log))
    log.write_text(log.read_text().replace("bob", "eve"))
    done = ended("audit", "verify", "--file", str(log))
    assert done.exit_code == 1
    assert "row" in done.out + done.err


def test_a_rollback_is_previewed_and_takes_along_what_was_refused(installation: Path) -> None:
    def history() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(coexist("rules", "history", "--json"))["history"]
        return found

    early = ended("rules", "apply", draft(installation, "2-de-orders-cloud"), "--yes")
    assert early.exit_code != 0
    assert "'de-orders-cloud' needs 'first-stores-and-split', which has not moved" in early.err
    first_wave = draft(installation, "1-first-stores-and-split")
    coexist("rules", "apply", first_wave, "--yes", "--by", "ada")
    preview = coexist("rules", "rollback", "--preview")
    assert json.loads(coexist("rules", "rollback", "--preview", "--json"))
    assert preview.strip()
    assert [it["kind"] for it in history()] == ["apply", "apply"], "it only said"
    coexist("rules", "rollback", "--rejected", "move", "--yes", "--by", "ada", "--note", "too soon")
    newest = max(history(), key=lambda it: int(it["epoch"]))
    assert (newest["kind"], newest["by"], newest["note"]) == ("rollback", "ada", "too soon")
    done = ended("rules", "rollback", "--yes")
    assert done.exit_code != 0
    assert "nothing to roll back to" in done.err
