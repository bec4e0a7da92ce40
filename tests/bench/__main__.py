"""``python -m tests.bench [NAME …] --json FILE``: all figures, ours and the alternative in one run.

Each benchmark is a module with ``run(quick) -> list[Figure]``. Ratios are what to trust: sides are
alternated within one run, so that a slow minute of the machine is everyone's.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.observe.logs import configure
from tests.bench.figure import Figure

#: The module of each: only those that are asked for are imported, with what they measure.
BENCHES = {
    "decide": "decide",
    "compile": "compiling",
    "dryrun": "dryrun",
    "accept": "accept",
    "flip": "flip",
    "memory": "memory",
    "settlement": "settlement",
    "webhook": "webhook",
    "simulators": "simulation",
    "pos-storm": "pos_storm",
    "quota": "quota",
    "delivery": "delivery",
    "recovery": "recovery",
    "priority": "priority",
    "order": "order",
    "quota-full": "quota_full",
}
#: Run only if it is named: it takes longer than all others.
APART = {"quota-full"}

Bench = Callable[[bool], list[Figure]]


def main() -> None:
    """Run the named benchmarks (all but those apart by default) and print one table."""
    parser = argparse.ArgumentParser(prog="coexist bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--quick", action="store_true", help="shorter runs, coarser figures")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; known are {', '.join(BENCHES)}")
    # As Ctrl-C does: what a benchmark started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    configure(level="WARNING")  # parts that run in this process log like a worker
    figures: list[Figure] = []
    for name in options.names or (it for it in BENCHES if it not in APART):
        Console(stderr=True).print(f"[bold]{name}[/bold] …")
        run: Bench = import_module(f"tests.bench.{BENCHES[name]}").run
        figures += run(options.quick)
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))
    sys.exit(0 if all(figure.holds is not False for figure in figures) else 1)


def _print(figures: list[Figure]) -> None:
    table = Table("figure", "value", "against", "bar", "holds")
    for figure in figures:
        verdict = {True: "[green]yes", False: "[red]NO", None: ""}[figure.holds]
        value = f"{figure.value:,.3g} {figure.unit}"
        table.add_row(figure.name, value, figure.against, figure.bar, verdict)
    Console().print(table)


if __name__ == "__main__":
    main()
