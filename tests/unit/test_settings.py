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
    said = refused(config, tmp_path)
    assert "erps.legacy.urll: there is no such setting; did you mean 'url'?" in said


def test_where_nothing_is_alike_the_settings_there_are_named(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["channels"]["webshop"]["chain_by_entity"] = {"NL01": {"zzz": 1}}
    config["legal_entities"]["NL01"]["vat"] = "x"
    said = refused(config, tmp_path)
    assert "legal_entities.NL01.vat: there is no such setting; there are country, currenc" in said
    assert "chain_by_entity.NL01.zzz: there is no such setting; there are collective, " in said


def test_a_key_that_is_missing_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    config["chanels"] = config.pop("channels")
    said = refused(config, tmp_path)
    assert "channels: is needed and not there" in said
    assert "chanels: there is no such setting; did you mean 'channels'?" in said


@pytest.mark.parametrize(
    ("section", "name", "allowed"),
    [
        ("legal_entities", "nl 01", "2 to 10 capital letters and digits"),
        ("stores", "Amsterdam 1", "1 to 20 capital letters, digits and -"),
    ],
)
def test_a_code_that_no_message_can_name_is_refused(
    config: dict[str, Any], tmp_path: Path, section: str, name: str, allowed: str
) -> None:
    config[section][name] = next(iter(config[section].values()))
    said = refused(config, tmp_path)
    assert f"{section}.{name}: must be {allowed}" in said
    assert said.endswith(f"not {name!r}")


def test_two_channels_that_an_erp_cannot_tell_apart_are_refused(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["channels"]["WebShop"] = config["channels"]["webshop"]
    said = refused(config, tmp_path)
    assert "an ERP keeps names in capitals" in said
    assert "channels.WebShop" in said or "channels.webshop" in said


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ftp://erp.example.com", "'ftp://erp.example.com'"),
        ("erp.example.com", "'erp.example.com'"),
        ("https://user:hidden@erp.example.com", "'https://***@erp.example.com'"),
    ],
)
def test_an_address_that_cannot_be_called_is_refused_without_its_credentials(
    config: dict[str, Any], tmp_path: Path, value: str, shown: str
) -> None:
    config["erps"]["cloud"]["url"] = value
    said = refused(config, tmp_path)
    assert "erps.cloud.url: must be an http or https address without credentials" in said
    assert said.endswith(f"not {shown}")
    assert "hidden" not in said


def test_a_wrong_figure_is_shown_and_a_secret_is_not(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["lease_ms"] = "soon"
    config["partitions"] = 0
    config["erps"]["cloud"]["secret"] = {"of": "hidden"}
    said = refused(config, tmp_path)
    assert "lease_ms: Input should be a valid integer" in said
    assert "not 'soon'" in said
    assert "partitions: Input should be greater than or equal to 1, not 0" in said
    assert "erps.cloud.secret" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("COEXIST_LEASE_MSS", "COEXIST_LEASE_MS"), ("COEXIST_REDIS_URI", "COEXIST_REDIS_URL")],
)
def test_a_slip_in_the_environment_is_named(
    config: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    meant: str,
) -> None:
    monkeypatch.setenv(variable, "1")
    said = refused(config, tmp_path)
    assert f"{variable}: there is no such setting; did you mean {meant}?" in said
    config["channels"] = {}  # beside what is wrong in the file
    del config["erps"]
    said = refused(config, tmp_path)
    assert variable in said
    assert "erps: is needed" in said


@pytest.mark.parametrize(
    "variable", ["COEXIST_SERVICE_HOST", "COEXIST_PORT_8080_TCP", "COEXIST_STAFF_KEY"]
)
def test_what_others_set_in_the_environment_is_left_alone(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (tmp_path / "coexist.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setenv(variable, "10.0.0.1")
    assert load().partitions == 16


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
    assert f"channels.{name}: must be 1 to 20 letters" in said


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
