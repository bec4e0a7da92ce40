"""The command line of the demo: exit codes 0 passed, 1 failed, 2 not carried out, 130 stopped."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console

from loadtests.demo.errors import Stopped
from loadtests.demo.options import parse
from loadtests.demo.signals import stoppable
from loadtests.demo.story import run
from loadtests.errors import LoadTestError

EXIT_NOT_CARRIED_OUT, EXIT_STOPPED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a demo and return its exit code."""
    options = parse(arguments)
    try:
        with stoppable():
            return run(options, Console())
    except LoadTestError as error:
        sys.stderr.write(f"coexist demo: {error}\n")
        return EXIT_NOT_CARRIED_OUT
    except Stopped as stopped:
        sys.stderr.write(f"coexist demo: stopped by {stopped}; nothing is left running\n")
        return EXIT_STOPPED
