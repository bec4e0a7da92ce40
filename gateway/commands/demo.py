"""For newcomers and engineers: the demo, load runs, benchmarks."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import rich_click as click

from gateway.errors import ConfigError

_PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=_PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Rehearse a migration in two minutes and audit it; --help lists the options."""
    _run("loadtests.demo", arguments)


@click.group()
def load() -> None:
    """Load runs against a running gateway."""


@load.command("run", context_settings=_PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def load_run(arguments: tuple[str, ...]) -> None:
    """Drive the traffic of a scenario FILE; --help lists the options."""
    _run("loadtests", ("run", *arguments))


@click.command(context_settings=_PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the benchmarks [NAME …], ours and the alternative in one run; --json FILE."""
    if not Path("tests/bench/__main__.py").is_file():
        raise ConfigError("benchmarks run from a checkout: change to the project's folder first")
    _run("tests.bench", arguments)


def _run(module: str, arguments: tuple[str, ...]) -> NoReturn:
    """Become that module: its tools patch sockets, and a Ctrl-C or SIGTERM is its to handle."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 -- our own module
