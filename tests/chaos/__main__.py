"""``python -m tests.chaos --minutes N --seed S --json FILE``: 0 passed, 1 failed, 2 misused."""

from __future__ import annotations

import sys

from rich.console import Console

from loadtests.demo.errors import Stopped
from loadtests.demo.signals import stoppable
from tests.chaos import options, story


def main() -> int:
    """Run, and say how to replay it."""
    asked, console = options.parse(), Console()
    with stoppable():
        try:
            outcome = story.run(asked, console)
        except Stopped:
            return 130
    length = "--short" if asked.minutes is None else f"--minutes {asked.minutes:g}"
    for reason in outcome.reasons:
        console.print(f"FAILED: {reason}", style="bold red", markup=False, soft_wrap=True)
    console.print(
        f"seed {asked.seed}; replay with: make chaos ARGS='{length} --seed {asked.seed} "
        f"--ledger {asked.ledger}'",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    return 1 if outcome.reasons else 0


if __name__ == "__main__":
    sys.exit(main())
