"""What can be asked of a demo."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

#: Traffic goes on for so long. With some 15 s to start everything and 30 s for a bad wave, to
#: drain and to audit, a demo takes a little over two minutes.
DURATION_S = 90.0
#: Shorter leaves no room between the steps: bringing rules into force takes a second or two, and
#: the first wave is due some ten seconds after it was scheduled.
DURATION_S_MIN = 30.0
#: Business requests a second that two cores carry while they also run both ERPs and the driver.
RATE_PER_S = 20.0
SEED = 7


@dataclass(frozen=True, slots=True)
class Options:
    """``duration_s`` of traffic at ``rate_per_s``; ``folder`` None makes one that goes away."""

    seed: int = SEED
    rate_per_s: float = RATE_PER_S
    duration_s: float = DURATION_S
    keep_running: bool = False
    json: Path | None = None
    folder: Path | None = None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a wrong one is explained and ends the process with 2."""
    given = _parser().parse_args(arguments)
    return Options(
        seed=given.seed,
        rate_per_s=given.rate,
        duration_s=given.duration,
        keep_running=given.keep_running,
        json=given.json,
        folder=given.folder,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="coexist demo",
        description="Rehearse a migration in two minutes: two ERPs, two gateways, two workers, "
        "wave flips, faults and killed processes; then audit what was booked. Exit code 0 if "
        "every transaction was booked exactly once where it belongs, 1 if not, 2 if the demo "
        "could not be carried out.",
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"what traffic and faults follow from ({SEED})"
    )
    parser.add_argument(
        "--rate",
        type=_above(0),
        default=RATE_PER_S,
        help=f"business requests a second ({RATE_PER_S:g})",
    )
    parser.add_argument(
        "--duration",
        type=_above(DURATION_S_MIN),
        default=DURATION_S,
        help=f"seconds of traffic, at least {DURATION_S_MIN:g} ({DURATION_S:g})",
    )
    parser.add_argument(
        "--keep-running", action="store_true", help="leave it all running until Ctrl-C"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the audit here, too")
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="work here, in a new or empty folder, and keep it "
        "(else a temporary one, kept with --keep-running or if something failed)",
    )
    return parser


class _above:  # noqa: N801 -- used as a function
    """Converts a figure that must be at least ``least`` (above it, if that is 0)."""

    def __init__(self, least: float) -> None:
        self._least = least

    def __call__(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not (0 < value < inf and value >= self._least):
            raise argparse.ArgumentTypeError(f"{text} is too little; at least {self._least:g}")
        return value
