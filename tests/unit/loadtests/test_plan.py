"""A run's plan: whatever is wrong is named before anything is sent."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli import main
from loadtests.errors import LoadTestError
from loadtests.plan import CHANNELS, Plan, make_plan
from loadtests.scenario import SCENARIOS

KEYS = {"webshop": "w", "marketplace": "m", "pos": "p", "returns-desk": "r"}


def plan(tmp_path: Path, keys: object = KEYS, **changes: Any) -> Plan:
    path = tmp_path / "keys.json"
    path.write_text(keys if isinstance(keys, str) else json.dumps(keys), "utf-8")
    wanted: dict[str, Any] = {
        "scenario": SCENARIOS / "normal.yaml",
        "gateways": ["http://127.0.0.1:8000/"],
        "keys": path,
        "journal": tmp_path / "journal.jsonl",
        "seed": 1,
        "rate_per_s": 5.0,
        "duration_s": 2.0,
        "today": date(2026, 11, 21),
    }
    return make_plan(**{**wanted, **changes})


def test_a_plan(tmp_path: Path) -> None:
    made = plan(tmp_path)
    assert made.scenario.scenario == "normal"
    assert made.gateways == ("http://127.0.0.1:8000",)
    assert made.keys == KEYS
    assert not made.journal.exists()


def test_every_kind_of_user_has_a_channel(tmp_path: Path) -> None:
    assert set(plan(tmp_path).scenario.users.taking_part()) == set(CHANNELS)
    assert set(CHANNELS.values()) == set(KEYS)


@pytest.mark.parametrize("kind", ["pos", "returns-desk"])
def test_a_channel_without_a_key_is_named(tmp_path: Path, kind: str) -> None:
    keys = {name: key for name, key in KEYS.items() if name != kind}
    with pytest.raises(LoadTestError) as error:
        plan(tmp_path, keys)
    path = tmp_path / "keys.json"
    assert str(error.value) == (
        f"{path}: {kind}: no key for this channel, which {kind} sends as; add it"
    )


@pytest.mark.parametrize("keys", [["w"], {"webshop": 5}])
def test_keys_that_are_none(tmp_path: Path, keys: object) -> None:
    with pytest.raises(LoadTestError, match=r"keys.json: not an object of API keys by channel"):
        plan(tmp_path, keys)


def test_keys_that_are_not_json(tmp_path: Path) -> None:
    with pytest.raises(LoadTestError, match=r"keys.json: line 2: not JSON: "):
        plan(tmp_path, "{\n'webshop': 'w'}")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://127.0.0.1", "http://", ""])
def test_a_gateway_that_is_no_base_url(tmp_path: Path, url: str) -> None:
    with pytest.raises(LoadTestError, match="not a base URL; write http://HOST:PORT"):
        plan(tmp_path, gateways=["http://127.0.0.1:1", url])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--rate", "0", "argument --rate: 0 is not above 0"),
        ("--duration", "-3", "argument --duration: -3 is not above 0"),
        ("--rate", "fast", "argument --rate: invalid _positive value: 'fast'"),
        ("--business-date", "today", "argument --business-date: invalid fromisoformat value"),
    ],
)
def test_figures_nobody_can_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    named = ["run", "normal", "--gateway", "http://x", "--keys", "k", "--journal", "j"]
    with pytest.raises(SystemExit) as ended:
        main([*named, option, value])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_scenario_is_found_by_path_or_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--gateway", "http://x", "--keys", str(tmp_path / "k"), "--journal", "j"]
    assert main(["run", "calm", *named]) == 2
    assert capsys.readouterr().err.startswith("calm: cannot be read: ")
    assert main(["run", "peak", *named]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'k'}: cannot be read: ")
