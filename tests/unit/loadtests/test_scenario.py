"""Scenario files: the shipped ones hold, wrong ones name the file, the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.errors import BadFile
from loadtests.scenario import SCENARIOS, Scenario, load_scenario
from loadtests.shapes import Constant, Peak, Ramp

GOOD: dict[str, Any] = {
    "scenario": "small",
    "shape": {"kind": "constant"},
    "users": {"webshop": {"weight": 2, "mix": {"order": 1}}, "pos": {"weight": 1}},
}


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return path


SHIPPED = sorted(path.stem for path in SCENARIOS.glob("*"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_scenarios_load(name: str) -> None:
    scenario = load_scenario(SCENARIOS / f"{name}.yaml")
    assert scenario.scenario == name
    assert scenario.description
    assert {"webshop", "marketplace", "shoppers"} <= set(scenario.users.taking_part())
    assert (scenario.users.pos is None) == (name == "callers")


def test_every_shipped_scenario_is_named_in_the_help_and_the_guide() -> None:
    assert SHIPPED == ["callers", "demo", "normal", "peak"]
    root = SCENARIOS.parents[1]
    texts = (root / "loadtests" / "cli.py", root / "docs" / "how-to" / "rehearse.md")
    for name in SHIPPED:
        assert all(name in path.read_text(encoding="utf-8") for path in texts), name


def test_the_demo_leaves_to_its_channels_what_they_sell() -> None:
    scenario = load_scenario(SCENARIOS / "callers.yaml")
    assert scenario.scenario == "callers"
    assert 0 < scenario.old_orders <= 20
    assert set(scenario.users.taking_part()) == {
        "webshop", "marketplace", "returns-desk", "shoppers"
    }  # fmt: skip
    assert all(plan.weight for plan in scenario.users.taking_part().values())


def test_the_demo_has_all_it_takes_to_cross_a_flip() -> None:
    scenario = load_scenario(SCENARIOS / "demo.yaml")
    assert scenario.business_days == 2
    assert 0 < scenario.old_orders <= 20  # what the simulators seed unless told otherwise
    assert set(scenario.users.taking_part()) == {
        "webshop", "marketplace", "pos", "returns-desk", "shoppers"
    }  # fmt: skip
    assert scenario.users.pos is not None
    assert scenario.users.pos.late_percent > 10
    assert scenario.users.webshop is not None
    weights = scenario.users.webshop.mix.weights()
    assert all(weights.values()), weights


def test_weights_share_the_rate(tmp_path: Path) -> None:
    users = load_scenario(written(tmp_path, GOOD)).users
    assert users.rate_of("webshop", 9.0) == 6.0
    assert users.rate_of("pos", 9.0) == 3.0


def test_names_are_those_of_the_file() -> None:
    mix = {"order": 1, "return": 2}
    users = {
        "returns-desk": {"weight": 1, "mix": {"return": 1}},
        "webshop": {"weight": 1, "mix": mix},
    }
    scenario = Scenario.model_validate({**GOOD, "users": users})
    assert list(scenario.users.taking_part()) == ["webshop", "returns-desk"]
    assert scenario.users.webshop is not None
    assert scenario.users.webshop.mix.weights()["return"] == 2


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"kind": "constant"}, Constant),
        ({"kind": "ramp", "start": 0.2, "over": 0.5}, Ramp),
        ({"kind": "peak", "base": 0.2, "at": 0.5, "width": 0.1}, Peak),
    ],
)
def test_shapes(shape: dict[str, Any], kind: type) -> None:
    assert isinstance(Scenario.model_validate({**GOOD, "shape": shape}).shape, kind)


def webshop(**changes: Any) -> dict[str, Any]:
    return {"users": {"webshop": {"weight": 1, "mix": {"order": 1}, **changes}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"durations": 5}, "durations: unknown key; remove it or correct its spelling"),
        (webshop(wait=5), "users.webshop.wait: unknown key; remove it or correct its spelling"),
        (webshop(mix={"ordr": 5}), "users.webshop.mix.ordr: unknown key"),
        (webshop(mix={"order": 0}), "users.webshop.mix: Value error, all weights are 0"),
        (webshop(mix={"order": -1}), "users.webshop.mix.order: Input should be greater than"),
        (webshop(users=0), "users.webshop.users: Input should be greater than or equal to 1"),
        ({"users": {"webstore": {}}}, "users.webstore: unknown key"),
        ({"users": {}}, "users: Value error, nobody takes part; give one kind of user a weight"),
        ({"shape": {"kind": "wave"}}, "shape: Input tag 'wave' found using 'kind'"),
        ({"shape": {"kind": "ramp", "over": 0}}, "shape.ramp.over: Input should be greater than 0"),
        ({"retry": {"tries": 3}}, "retry.tries: unknown key"),
        ({"users": {"pos": {"weight": 1, "late_percent": 101}}}, "users.pos.late_percent: Input"),
    ],
)
def test_a_wrong_key_or_value_is_named(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, {**GOOD, **change})
    with pytest.raises(BadFile) as error:
        load_scenario(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, {name: GOOD[name] for name in ("scenario", "users")})
    with pytest.raises(BadFile, match="shape: this key is missing; add it"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("content", "message"), [("a: [", "not YAML: while parsing"), ("- 1", "Input should be a")]
)
def test_what_is_no_scenario_at_all(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        load_scenario(written(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nowhere.yaml: cannot be read: No such file"):
        load_scenario(tmp_path / "nowhere.yaml")
