"""What can be asked of a demo, and how a wrong wish is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.demo.cli import main
from loadtests.demo.options import Options, parse


def test_nothing_asked_is_two_minutes_in_all() -> None:
    assert parse([]) == Options()
    assert 60 <= Options().duration_s <= 100


def test_everything_asked_arrives() -> None:
    text = "--seed 3 --rate 8.5 --duration 45 --keep-running --json a.json --folder b"
    wanted = Options(3, 8.5, 45.0, keep_running=True, json=Path("a.json"), folder=Path("b"))
    assert parse(text.split()) == wanted


@pytest.mark.parametrize(
    ("wish", "answer"),
    [
        ("--duration 5", "argument --duration: 5 is too little; at least 30"),
        ("--rate 0", "argument --rate: 0 is too little"),
        ("--rate fast", "argument --rate: 'fast' is not a number"),
        ("--rate nan", "argument --rate: nan is too little"),
        ("--duration inf", "argument --duration: inf is too"),
        ("--sped 3", "unrecognized arguments: --sped"),
    ],
)
def test_a_wrong_wish_is_named(wish: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse(wish.split())
    assert raised.value.code == 2
    assert answer in capsys.readouterr().err


def test_a_demo_that_cannot_be_carried_out_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "something").touch()
    assert main(["--folder", str(tmp_path)]) == 2
    assert "coexist demo: --folder" in capsys.readouterr().err
