"""Configuration: what can never work is refused at start, with the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.commands.setup import first_configuration
from gateway.errors import ConfigError
from gateway.settings import load

CHANNELS = ("webshop", "marketplace", "pos", "returns-desk", "ops")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The first configuration, as values to spoil."""
    monkeypatch.setenv("COEXIST_CONFIG", str(tmp_path / "coexist.yaml"))
    return first_configuration({name: f"key-{name}" for name in CHANNELS})


def refused(config: dict[str, Any], tmp_path: Path) -> str:
    (tmp_path / "coexist.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError) as caught:
        load()
    return caught.value.detail


def test_the_first_configuration_works(config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "coexist.yaml").write_text(yaml.safe_dump(config))
    settings = load()
    assert settings.partitions == 16
    assert "gateway-legacy" not in settings.model_dump_json()


def test_the_environment_wins_over_the_file(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coexist.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("COEXIST_ERPS__CLOUD__URL", "http://127.0.0.1:9")
    settings = load()
    assert settings.erps.cloud.url == "http://127.0.0.1:9"
    assert settings.erps.cloud.user == "gateway"


def test_an_unknown_key_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    config["erps"]["legacy"]["urll"] = "x"
    assert "erps.legacy.urll: Extra inputs are not permitted" in refused(config, tmp_path)


def test_a_store_of_an_unknown_entity_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    config["stores"]["NL-001"] = {"legal_entity": "XX99"}
    said = refused(config, tmp_path)
    assert "stores.NL-001.legal_entity: 'XX99' is not a legal entity; known are DE01, NL01" in said


@pytest.mark.parametrize("name", ["a-channel-with-a-long-name", "a:b"])
def test_a_channel_name_that_no_document_can_carry_is_named(
    config: dict[str, Any], tmp_path: Path, name: str
) -> None:
    config["channels"][name] = config["channels"]["webshop"]
    said = refused(config, tmp_path)
    assert f"channels.{name}: the name goes into both ERPs' documents" in said
    assert "at most 20 characters" in said


@pytest.mark.parametrize("seconds", [-1, 0, 5, 10])
def test_absence_cannot_be_final_while_a_request_may_still_arrive(
    config: dict[str, Any], tmp_path: Path, seconds: int
) -> None:
    config["erps"]["cloud"]["absent_final_s"] = seconds
    assert "erps.cloud" in refused(config, tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COEXIST_CONFIG", str(tmp_path / "nothing.yaml"))
    with pytest.raises(ConfigError, match=r"COEXIST_CONFIG: .*nothing\.yaml is not a file"):
        load()


def test_a_channel_may_name_its_own_entities_and_without_any_all(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["channels"]["marketplace"]["legal_entities"] = ["DE01"]
    config["channels"]["webshop"].pop("legal_entities", None)
    (tmp_path / "coexist.yaml").write_text(yaml.safe_dump(config))
    settings = load()
    assert settings.entities_of("marketplace") == ("DE01",)
    assert settings.entities_of("webshop") == tuple(settings.legal_entities)
    assert settings.entities_of("closed-since") == tuple(settings.legal_entities)
