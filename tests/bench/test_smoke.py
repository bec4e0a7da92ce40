"""The benchmarks can be run and say what they promise to say; no figure is asserted here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import accept, memory, pos_storm
from tests.bench.__main__ import BENCHES
from tests.bench.figure import Figure, at_least, at_most
from tests.bench.installation import gateways
from tests.bench.servers import Server, granian
from tests.processes import ROOT


def bench(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """``coexist bench``, as `make bench` calls it."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", "bench", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
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
    assert figures, "one named benchmark, and only that"
    assert all(it["name"].startswith("decide: ") for it in figures)
    assert all(it["name"] in done.stdout for it in figures)
    assert [set(it) for it in figures] == [
        {"name", "value", "unit", "against", "bar", "holds"}
    ] * len(figures)
    assert done.returncode == (0 if all(it["holds"] is not False for it in figures) else 1)


def test_an_unknown_name_is_refused_with_those_that_exist() -> None:
    done = bench("flipp")
    assert done.returncode == 2
    assert f"unknown benchmark 'flipp'; known are {', '.join(BENCHES)}" in done.stderr


def test_outside_a_checkout_it_says_where_to_go(tmp_path: Path) -> None:
    done = bench("decide", cwd=tmp_path)
    assert done.returncode == 2
    assert "benchmarks run from a checkout: change to the project's folder first" in done.stderr


@pytest.mark.parametrize("module", BENCHES.values())
def test_every_benchmark_is_a_module_that_can_be_run(module: str) -> None:
    text = (ROOT / "tests" / "bench" / f"{module}.py").read_text(encoding="utf-8")
    assert "\ndef run(quick: bool) -> list[Figure]:" in text


def test_bars_hold_on_their_edge() -> None:
    assert at_least("n", 0.7, "x", "", 0.7) == Figure("n", 0.7, "x", "", "≥ 0.7", holds=True)
    assert at_most("n", 0.71, "x", "", 0.7) == Figure("n", 0.71, "x", "", "≤ 0.7", holds=False)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[list[Server], dict[str, str], Path]]:
    """A gateway on a store of its own, with nobody who delivers."""
    with gateways() as it:
        yield it


def test_accept_memory_and_a_pos_storm_measure_a_gateway_and_accept_a_bare_handler(
    running: tuple[list[Server], dict[str, str], Path],
) -> None:
    """One start of each serves both; arq is left out, its environment takes long to install."""
    servers, keys, folder = running
    with granian("bare", "tests.bench.peers.bare:app") as it:
        ours, bare = accept.side(servers[0], keys["webshop"]), accept.side(it, "")
        for side in (ours, bare):
            side.run(0.3)
            side.offer(0.3, 50)
        url = (folder / "redis_url").read_text()
        sizes = memory.Sizes(waiting=20, accepted=40, delivered=0)
        grown = memory.of_gateway(servers[0], keys["webshop"], url, sizes)
        storm = pos_storm.replayed(servers[0], keys["pos"], folder, ["NL-001", "NL-002"], each=12)
    assert (storm.doubles, storm.unknown, storm.wrong) == (0, 0, 0)
    assert storm.sent > 20
    assert all(it.value >= 0 for it in pos_storm.figures(storm, 2))
    figures = accept.figures(ours, bare, bare) + grown
    assert {it.name for it in figures if it.bar} == {
        "accept: throughput", "accept: p99", "memory: a waiting order",
        "memory: growth of a gateway",
    }  # fmt: skip
    assert [it for it in figures if it.value < 0] == [], "the clock of CPU time is coarse: 0 may be"


def test_a_load_run_of_ones_own_drives_a_running_gateway(
    running: tuple[list[Server], dict[str, str], Path], tmp_path: Path
) -> None:
    """As a shell calls it; what comes of its messages is `e2e/test_load_run.py`'s to see."""
    (server, *_), _, folder = running
    users = {
        "webshop": {"weight": 3, "mix": {"order": 4, "repeat": 2, "cancellation": 1}},
        "pos": {"weight": 1, "duplicate_percent": 50},
    }
    scenario = {"scenario": "mine", "shape": {"kind": "constant"}, "users": users}
    (tmp_path / "mine.yaml").write_text(json.dumps(scenario))
    files = {"keys": folder / "keys.json", "journal": tmp_path / "j", "json": tmp_path / "s"}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    command = ["gateway", "load", "run", str(tmp_path / "mine.yaml"), "--gateway", server.url]
    command += ["--rate", "30", "--duration", "1.5", "--seed", "3", *options]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "s").read_text())
    assert (summary["scenario"], summary["rejected"], summary["unknown"]) == ("mine", 0, 0)
    assert summary["requests"] > 20
    rows = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()]
    taken = [row for row in rows if row["entry"] == "message"]
    assert {row["channel"] for row in taken} == {"webshop", "pos"}
    assert {row["state"] for row in taken} == {"accepted"}
    assert any(row["replayed"] for row in taken)
