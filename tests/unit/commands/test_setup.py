"""What whoever sets it up is handed: keys only their holders have, secrets that are not shown."""

from __future__ import annotations

import json
import stat
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from gateway.canonical.process import PROCESSES
from gateway.routing.loader import load as load_rules
from tests.contract.command_line import coexist, ended

FILES = ("coexist.yaml", "keys.json")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where `coexist init` was called, and which is the configured one."""
    monkeypatch.setenv("COEXIST_CONFIG", str(tmp_path / "coexist.yaml"))
    said = coexist("init", "--folder", str(tmp_path))
    assert "coexist.yaml (hashes of the keys)" in said
    return tmp_path


def test_the_configuration_holds_only_hashes_of_the_keys(folder: Path) -> None:
    text = (folder / "coexist.yaml").read_text()
    keys = json.loads((folder / "keys.json").read_text())
    channels = yaml.safe_load(text)["channels"]
    assert channels.keys() == keys.keys() == {
        "webshop", "marketplace", "pos", "returns-desk", "ops"
    }  # fmt: skip
    for channel, key in keys.items():
        assert key not in text
        assert key.removeprefix(f"cx_{channel}_") not in text
        assert channels[channel]["key_sha256"] == [sha256(key.encode()).hexdigest()]
        assert len(key) > 40


def test_the_first_rules_send_everything_to_the_legacy_erp(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    said = coexist("rules", "check")
    assert "no problems" in said
    rules = load_rules(folder / "routing_rules").rules
    assert {it.process for it in rules} == PROCESSES.keys()
    assert {it.mode for it in rules} == {"legacy", "owner"}
    (folder / "routing_rules" / "defaults.yaml").write_text("mine")
    coexist("init", "--folder", str(folder), "--force")
    assert (folder / "routing_rules" / "defaults.yaml").read_text() == "mine"


def test_keys_are_for_their_owner_only_also_where_a_file_was_open_to_all(folder: Path) -> None:
    keys = folder / "keys.json"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    before = keys.read_text()
    keys.chmod(0o644)
    coexist("init", "--folder", str(folder), "--force")
    assert keys.read_text() != before, "new keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten_unasked(folder: Path, name: str) -> None:
    other = next(it for it in FILES if it != name)
    (folder / other).unlink()
    before = (folder / name).read_bytes()
    done = ended("init", "--folder", str(folder))
    assert done.exit_code == 2
    assert f"{folder / name} exists already; --force overwrites it" in done.err
    assert (folder / name).read_bytes() == before
    assert not (folder / other).exists()


@pytest.mark.parametrize(
    ("more", "place"), [((), "channels.till.key_sha256"), (("--staff",), "staff.till.key_sha256")]
)
def test_a_new_key_is_shown_once_beside_the_hash_that_is_kept(
    more: tuple[str, ...], place: str
) -> None:
    first, second = (coexist("keys", "new", "till", *more).splitlines() for _ in range(2))
    key = first[0].rpartition(" ")[2]
    assert key.startswith("cx_till_")
    assert first[1] == f"under {place} add: {sha256(key.encode()).hexdigest()}"
    assert first != second


def test_the_configuration_is_printed_without_secrets(folder: Path) -> None:
    config = yaml.safe_load((folder / "coexist.yaml").read_text())
    said = coexist("config")
    shown = json.loads(said)
    for erp in ("legacy", "cloud"):
        assert config["erps"][erp]["secret"] not in said
        assert shown["erps"][erp]["user"] == config["erps"][erp]["user"]


def test_a_store_of_ones_own_is_not_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COEXIST_REDIS_URL", "redis://127.0.0.1:1")
    done = ended("stop-store")
    assert folder.exists()
    assert done.exit_code == 2
    assert "the store is the one of COEXIST_REDIS_URL, which is not ours to stop" in done.err
