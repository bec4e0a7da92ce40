"""The tutorial, carried out as it stands: every command, and every line it shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.walkthrough import Shell, Step, matches, steps
from tests.processes import ROOT, START_S_MAX, free_port, spawned

PAGE = ROOT / "docs" / "tutorial" / "first-hour.md"

#: Which modules stand for the programs that the tutorial calls.
PROGRAMS = {
    "coexist": f'exec "{sys.executable}" -m gateway "$@"',
    "curl": f'exec "{sys.executable}" "{ROOT}/tests/e2e/curl.py" "$@"',
    "python3": f'exec "{sys.executable}" "$@"',
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the tutorial's first terminal sets, with the programs of this checkout on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, line in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }


@pytest.fixture
def folder(tmp_path: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The folder ``first-hour`` with everything up, as the blocks left out would leave it."""
    folder = tmp_path / "first-hour"
    folder.mkdir()
    subprocess.run(["coexist", "init"], cwd=folder, env=environment, check=True)
    up = f'cd "$0" && exec coexist up --simulators --port {free_port()}'
    with spawned(["/bin/sh", "-c", up, str(folder)], environment):
        _wait_for(folder / ".coexist" / "run" / "worker-1.json")
        yield folder
    subprocess.run(["coexist", "stop-store"], cwd=folder, env=environment, check=True)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_every_command_prints_what_the_page_shows(
    folder: Path, environment: dict[str, str]
) -> None:
    shell = Shell(folder, environment)
    try:
        for step in steps(PAGE.read_text(encoding="utf-8")):
            check(step, shell.run(step.command))
    finally:
        shell.close()


def check(step: Step, printed: str) -> None:
    where = f"{PAGE.name}:{step.line}: {step.command}"
    if step.expected is None:
        assert not printed.strip(), f"{where}\nprinted:\n{printed}"
    else:
        assert matches(step.expected, printed), (
            f"{where}\nprinted:\n{printed}\nexpected:\n{step.expected}"
        )


def _wait_for(announcement: Path) -> None:
    until_s = time.monotonic() + START_S_MAX
    while not announcement.exists():
        assert time.monotonic() < until_s, f"{announcement.name} did not come"
        time.sleep(0.1)
    assert json.loads(announcement.read_text())["pid"]
