"""The work folder, and the configuration in it as the gateway reads it."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.settings import Settings, load
from loadtests.channels.pos import Estate
from loadtests.channels.shopify import Shop
from loadtests.demo import folder as folders
from loadtests.demo.errors import CommandError, DemoError
from loadtests.demo.folder import ABSENT_FINAL_S, Access
from loadtests.demo.gateway import Gateway
from loadtests.demo.timeline import RULES_WAVE_2

ACCESS = {
    "legacy": Access("http://127.0.0.1:7001", "SOMEONE", "made-up-1"),
    "cloud": Access("http://127.0.0.1:7002", "someone", "made-up-2"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> folders.WorkFolder:
    folder = folders.make(tmp_path_factory.mktemp("work") / "new")
    Gateway(folder.environment).init(folder.path)
    folders.adjust(
        folder,
        {"legacy": ACCESS["legacy"], "cloud": ACCESS["cloud"]},
        folder.rules / RULES_WAVE_2,
    )
    return folder


@pytest.fixture
def settings(prepared: folders.WorkFolder, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("COEXIST")]:
        monkeypatch.delenv(name)
    for name, value in prepared.exports.items():
        monkeypatch.setenv(name, value)
    return load()


def test_the_gateway_accepts_the_adjusted_configuration(settings: Settings) -> None:
    legacy, cloud = settings.erps.legacy, settings.erps.cloud
    assert (legacy.url, cloud.url) == (ACCESS["legacy"].url, ACCESS["cloud"].url)
    assert legacy.secret.get_secret_value() == "made-up-1"
    assert cloud.user == "someone"
    assert legacy.absent_final_s == cloud.absent_final_s == ABSENT_FINAL_S
    assert (cloud.quota.concurrent_max, cloud.quota.calls_max) == (5, 6000)
    assert settings.lease_ms < 3000, "a killed worker's partitions come over while one watches"
    assert settings.rules_dir.name == RULES_WAVE_2


def test_the_channels_and_stores_are_those_of_the_first_configuration(settings: Settings) -> None:
    assert {"webshop", "marketplace", "pos", "returns-desk", "ops"} == set(settings.channels)
    assert {"NL-001", "DE-004"} <= set(settings.stores)


def test_the_gateway_accepts_the_channels_that_are_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders.make(tmp_path / "connected")
    Gateway(folder.environment).init(folder.path)
    for source in (Shop("shop-nl", "NL", "NL01"), Estate("pos", {"NL-001": "NL01"}, "2026-11-21")):
        folders.connect(folder, source.name, source.settings("http://127.0.0.1:7003"))
    for name, value in folder.exports.items():
        monkeypatch.setenv(name, value)
    channels = load().channels
    assert channels["shop-nl"].shopify is not None
    assert channels["shop-nl"].shopify.poll is not None
    assert "store-sales" in channels["pos"].scopes
    for name in ("shop-nl", "pos"):
        hashed = sha256(folders.key_of(folder, name).encode()).hexdigest()
        assert channels[name].key_sha256 == (hashed,)


def test_the_ops_key_is_one_the_channel_has(prepared: folders.WorkFolder) -> None:
    assert folders.ops_key(prepared) == json.loads(prepared.keys.read_text())["ops"]


def test_the_environment_is_the_demos_own(
    prepared: folders.WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COEXIST_REDIS_URL", "redis://production.example.com")
    monkeypatch.setenv("COEXIST_LEDGER_URL", "postgresql://production.example.com/ledger")
    environment = prepared.environment
    ours = {name for name in environment if name.startswith("COEXIST")}
    assert ours == {"COEXIST_CONFIG", "COEXIST_DATA_DIR"}
    assert environment["COEXIST_DATA_DIR"] == str(prepared.path / "data")
    assert environment["PATH"] == os.environ["PATH"]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").touch()
    with pytest.raises(DemoError, match=r"--folder .*: not empty; name a new or empty folder"):
        folders.make(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoError, match=r"--folder .*file/in: cannot be used: Not a directory"):
        folders.make(tmp_path / "file" / "in")


def test_without_a_wish_it_is_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = folders.make(None)
    assert made.temporary
    assert made.path.parent == tmp_path


def test_a_refused_command_says_why(prepared: folders.WorkFolder) -> None:
    with pytest.raises(CommandError) as raised:
        Gateway(prepared.environment).init(prepared.path)
    message = str(raised.value)
    assert message.startswith("coexist init --folder ended with exit code 2")
    assert "coexist.yaml exists already" in message
