"""What can be asked of a chaos run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Literal

from tests.chaos.schedule import deal_s

MINUTES: float = 2.0
#: Business requests a second that two cores carry beside everything that is started anew.
RATE_PER_S: float = 8.0


@dataclass(frozen=True, slots=True)
class Options:
    """``minutes`` None asks for the short run; ``folder`` None makes one that goes away."""

    seed: int
    minutes: float | None = MINUTES
    rate_per_s: float = RATE_PER_S
    ledger: Literal["sqlite", "postgres"] = "sqlite"
    json: Path | None = None
    folder: Path | None = None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a wrong one is explained and ends the process with 2."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"of traffic ({MINUTES:g})")
    parser.add_argument("--seed", type=int, help="what everything follows from (a new one)")
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="business requests a second")
    parser.add_argument("--ledger", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--short", action="store_true", help="the short run that `make test` does")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here, too")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="work here, and keep it")
    given = parser.parse_args(arguments)
    if not given.short and given.minutes * 60 < deal_s():
        parser.error(
            f"--minutes {given.minutes:g}: too short to meet every kind of fault; at least "
            f"{deal_s() / 60:.1f}, or --short"
        )
    if not 0 < given.rate < 1000:
        parser.error(f"--rate {given.rate:g}: give business requests a second, 0 to 1000")
    seed = SystemRandom().randrange(2**32) if given.seed is None else given.seed
    return Options(
        seed=seed,
        minutes=None if given.short else given.minutes,
        rate_per_s=given.rate,
        ledger=given.ledger,
        json=given.json,
        folder=given.folder,
    )
