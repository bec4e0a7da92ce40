"""Who acts on the command line, proved by key: as a shell sees it, against an installation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.commands.proof import doubted
from gateway.settings import StaffSettings
from tests.contract.command_line import coexist, ended
from tests.processes import ROOT

PEOPLE = {"lee": "lead", "ada": "approver", "vi": "viewer"}


def hashed(name: str) -> str:
    return sha256(f"key-of-{name}".encode()).hexdigest()


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation whose people have keys, but for one. Each test brings rules of its own."""
    home = tmp_path_factory.mktemp("governed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        coexist("init")
        file = home / "coexist.yaml"
        config: dict[str, Any] = yaml.safe_load(file.read_text())
        config["staff"] = {
            name: {"roles": [role], "key_sha256": [hashed(name).upper()]}
            for name, role in PEOPLE.items()
        } | {"kim": {"roles": ["lead", "approver"]}}
        config["governance"] = {"approvals_required": False}
        file.write_text(yaml.safe_dump(config))
        yield home
        coexist("stop-store")


@pytest.fixture
def draft(governed: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder of rules that nobody else applies; no key is set."""
    monkeypatch.delenv("COEXIST_STAFF_KEY", raising=False)
    monkeypatch.delenv("COEXIST_WAIVER_KEY", raising=False)
    folder = governed / str(request.node.name)
    shutil.copytree(ROOT / "loadtests" / "rules" / "0-all-legacy", folder)
    file = folder / "defaults.yaml"
    rules = yaml.safe_load(file.read_text())
    for rule in rules["rules"]:
        rule["id"] = f"{rule['id']}-{len(request.node.name)}"
    file.write_text(yaml.safe_dump(rules))
    return folder


def test_whoever_changes_routes_proves_who_they_are(
    draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = ("rules", "apply", str(draft), "--yes", "--by")
    before = coexist("audit", "list", "--json")
    refused = [
        ("lee", "", "COEXIST_STAFF_KEY is not set; put the key of lee there"),
        ("lee", "key-of-nobody", "holds is nobody's key; put the key there whose hash is in staff"),
        ("kim", "key-of-lee", "staff.kim.key_sha256 is empty, and people here prove by key"),
        ("vi", "key-of-vi", "vi may not do rules.apply: it needs role lead, and they have viewer"),
    ]
    for by, key, said in refused:
        monkeypatch.setenv("COEXIST_STAFF_KEY", key)
        code, out, err = ended("rules", "apply", "--resume", "--by", by)
        assert (code != 0, out, said in err) == (True, "", True), err
    assert coexist("audit", "list", "--json") == before
    monkeypatch.setenv("COEXIST_STAFF_KEY", "key-of-lee")
    assert "is in force, as epoch " in coexist(*apply, "lee")

    commands = [
        ("rules", "rollback", "--yes", "--json"),
        ("rules", "approve", "p-1"),
        ("rules", "schedule", str(draft), "--at", "2099-01-01T02:00"),
        ("rules", "apply", str(draft), "--yes", "--json"),
    ]
    for command in commands:
        code, _, err = ended(*command, "--by", "ada")
        assert code != 0
        assert "--by ada: COEXIST_STAFF_KEY holds the key of lee" in err
    last = json.loads(coexist("audit", "list", "--json"))[0]
    assert (last["by"], last["action"]) == ("lee", "rules.apply")


def test_who_answers_for_a_waived_gate_proves_it_with_their_own_key(
    draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COEXIST_STAFF_KEY", "key-of-lee")
    apply = (
        "rules", "apply", str(draft), "--yes", "--by", "lee", "--waive", "quotas=raised",
        "--waived-by", "ada",
    )  # fmt: skip
    monkeypatch.setenv("COEXIST_WAIVER_KEY", "key-of-lee")
    code, _, err = ended(*apply)
    assert code != 0
    assert "--waived-by ada: COEXIST_WAIVER_KEY holds the key of lee" in err
    monkeypatch.setenv("COEXIST_WAIVER_KEY", "key-of-ada")
    assert "is in force, as epoch " in coexist(*apply)


def test_where_nobody_has_a_key_the_command_line_takes_the_word() -> None:
    people = {name: StaffSettings.model_validate({"roles": ["lead"]}) for name in ("lee", "kim")}
    assert doubted(people, "lee", "") == ""
    assert doubted(people, "lee", "anything") == ""


def test_both_keys_of_a_rotation_prove_the_person() -> None:
    people = {"lee": StaffSettings(key_sha256=(hashed("lee"), hashed("new")), roles=("lead",))}  # type: ignore[arg-type]
    assert [doubted(people, "lee", f"key-of-{it}") for it in ("lee", "new")] == ["", ""]
    assert "nobody's key" in doubted(people, "lee", "key-of-old")
