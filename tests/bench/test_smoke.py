"""The benchmarks can be run and say what they promise to say; no figure is asserted here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.figure import Figure, at_least, at_most
from tests.processes import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_figures_are_written_as_json(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = bench("decide", "--quick", "--json", str(file))
    figures = json.loads(file.read_text())
    assert done.returncode in {0, 1}, done.stderr
    assert [set(it) for it in figures] == [
        {"name", "value", "unit", "against", "bar", "holds"}
    ] * len(figures)
    assert done.returncode == (0 if all(it["holds"] is not False for it in figures) else 1)


def test_an_unknown_name_is_refused_with_those_that_exist() -> None:
    done = bench("flipp")
    assert done.returncode == 2
    assert "unknown benchmark 'flipp'; known are decide, compile, dryrun, accept, " in done.stderr


def test_bars_hold_on_their_edge() -> None:
    assert at_least("n", 0.7, "x", "", 0.7) == Figure("n", 0.7, "x", "", "≥ 0.7", holds=True)
    assert at_most("n", 0.71, "x", "", 0.7) == Figure("n", 0.71, "x", "", "≤ 0.7", holds=False)
