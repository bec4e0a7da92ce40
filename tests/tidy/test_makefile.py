"""The two words a newcomer types: what each target does before and after, without doing it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What each does in the end, with the options it was given.
TARGETS = {
    "demo": ".venv/bin/coexist demo --seed 7",
    "bench": ".venv/bin/coexist bench --seed 7",
    "chaos": ".venv/bin/python -m tests.chaos --seed 7",
    "test": ".venv/bin/python -m pytest --seed 7",
    "test-long": ".venv/bin/python -m pytest -q -m long tests/e2e --seed 7",
    "check": ".venv/bin/python -m pytest -q tests/tidy --seed 7",
}


def make(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Call make as from a shell, also if it was make that called the tests."""
    own = ("MAKE", "MFLAGS", "ARGS", "PYTHON")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.run(
        ["make", *words], cwd=cwd, env=ours, capture_output=True, text=True, check=False
    )


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A checkout nobody has made anything in yet, as far as make looks."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_makes_its_environment_from_the_lock_and_passes_options_on(
    fresh: Path, target: str
) -> None:
    said = make("-n", target, "ARGS=--seed 7", cwd=fresh).stdout
    steps = [
        "-m venv --clear .venv",
        "--no-deps --require-hashes -r requirements.lock",
        "--no-deps --no-build-isolation --editable .",
        TARGETS[target],
    ]
    places = [said.find(step) for step in steps]
    assert -1 not in places, said
    assert places == sorted(places)


def test_without_a_python_that_fits_it_says_what_to_install(fresh: Path) -> None:
    done = make("demo", "PYTHON=no-such-python", cwd=fresh)
    assert done.returncode == 2
    assert "'no-such-python' was not found. Install Python 3.11 to 3.14, or name one" in done.stderr
    assert not (fresh / ".venv").exists()


def test_help_tells_every_target(fresh: Path) -> None:
    told = re.findall(r"^  make ([a-z-]+) ", make("help", cwd=fresh).stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert sorted(told) == sorted(phony[1].split())
    assert set(TARGETS) < set(told)


def test_no_test_is_left_out() -> None:
    """Each file of tests lies below something that ``make test`` or ``make check`` names."""
    told = make("-n", "test", "check", cwd=ROOT).stdout
    commands = [it for it in told.splitlines() if "pytest" in it]
    named = [ROOT / word for it in commands for word in it.split() if word.startswith("tests/")]
    left = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        if not any(file == it or it in file.parents for it in named)
    ]
    assert left == [], "name them in the Makefile"


def test_ci_runs_what_a_developer_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"\bmake (\w+)\b", re.sub("(?m)^#.*", "", script)) == [
        "venv", "check", "test", "check",
    ]  # fmt: skip
