"""`coexist calendar`: what closes the ERPs, checked and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import coexist

ROOT = Path(__file__).parents[2]


def run(*arguments: str, folder: Path = ROOT / "windows") -> Result:
    return CliRunner().invoke(coexist, ["calendar", *arguments, "--directory", str(folder)])


def test_the_shipped_windows_pass() -> None:
    assert run("check").output == "3 window(s), no problems\n"
    assert json.loads(run("check", "--json").output) == {"ok": True, "windows": 3, "problems": []}


def test_problems_are_listed_for_machines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("erp: cloud\n")
    done = run("check", "--json", folder=tmp_path)
    assert done.exit_code == 1
    problems = json.loads(done.output)["problems"]
    assert [it["problem"] for it in problems] == [
        "has no 'owner'", "has no 'time_zone'", "has no 'windows'",
    ]  # fmt: skip
    assert problems[0]["line"] == 1


def test_windows_that_leave_no_time_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "erp: cloud\nowner: me\ntime_zone: UTC\nwindows:\n"
        "  - {id: always, days: daily, from: '00:00', to: '24:00'}\n"
    )
    done = run("check", "--json", folder=tmp_path)
    assert done.exit_code == 1
    (problem,) = json.loads(done.output)["problems"]
    assert problem["problem"] == "cloud is closed without a break for more than 21 days"


def test_what_comes_is_shown_in_both_times() -> None:
    rows = json.loads(run("show", "--days", "7", "--json").output)
    nightly = [row for row in rows if row["window"] == "nightly-batch"]
    assert len(nightly) in (7, 8)
    assert {row["blocks"] for row in nightly} == {"writes"}
    assert rows == sorted(rows, key=lambda row: row["from"])
    text = run("show", "--days", "7").output
    assert "nightly-batch: writes  (dunning, invoicing and stock valuation)" in text
    assert "UTC)" in text


def test_nothing_to_show_says_so(tmp_path: Path) -> None:
    none = "no window is written down there: the ERPs count as always open\n"
    assert run("show", folder=tmp_path).output == f"{none}no window within 7 day(s)\n"
    assert run("check", folder=tmp_path).output == f"{none}0 window(s), no problems\n"
    assert run("next", folder=tmp_path).output.startswith(none)


def test_a_configuration_that_names_no_folder_is_told_from_one_without_windows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    CliRunner().invoke(coexist, ["init", "--folder", str(tmp_path)])
    monkeypatch.setenv("COEXIST_CONFIG", str(tmp_path / "coexist.yaml"))
    done = CliRunner().invoke(coexist, ["calendar", "next"])
    assert done.output.startswith("windows_dir is not configured: the ERPs count as always open\n")


def test_next_says_for_each_erp_what_may_start() -> None:
    rows = json.loads(run("next", "--json").output)
    assert [(row["erp"], row["calls"]) for row in rows] == [
        ("legacy", "writes"), ("legacy", "reads"), ("cloud", "writes"), ("cloud", "reads"),
    ]  # fmt: skip
    assert rows[2]["next_window"] == "update"
    assert run("next").output.count("\n") == 4


def test_without_a_configuration_the_folder_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COEXIST_CONFIG", str(tmp_path / "none.yaml"))
    done = CliRunner().invoke(coexist, ["calendar", "show"])
    assert done.exit_code == 1
    assert "or name a folder with --directory" in str(done.exception)
