"""Locust's own entry point, for those who want its statistics files and its log.

    locust -f loadtests/locustfile.py --headless --scenario FILE --gateway http://…
        --keys keys.json --journal journal.jsonl --pace 20 --for-s 60

How many users there are and when they send comes from the scenario and the options below, not from
Locust's user count. ``python -m loadtests run`` does the same and reports in our words. One
headless process only: a second one would send the same orders.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.drive import Setup
from loadtests.plan import make_plan
from loadtests.users import Marketplace, PosRegisters, ReturnsDesk, Shoppers, WebShop

__all__ = ["Marketplace", "PosRegisters", "ReturnsDesk", "Shoppers", "UntilConcluded", "WebShop"]


class UntilConcluded(LoadTestShape):
    """All users until nothing is due any more, or the grace period is over."""

    setup: Setup | None = None
    begun = False

    def tick(self) -> tuple[int, float] | None:
        """Users, and users spawned a second; None ends the run."""
        setup = self.setup
        if setup is None:
            return None
        none_left = self.begun and self.runner is not None and not self.runner.user_count
        self.begun = True
        return None if none_left or setup.left_s <= 0 else (setup.users, 100.0)


def options(parser: LocustArgumentParser) -> None:
    """What ``python -m loadtests run`` takes, under names that Locust does not use itself."""
    group = parser.add_argument_group("coexist")
    group.add_argument("--scenario", type=str, required=True)
    group.add_argument("--gateway", type=str, action="append", required=True)
    group.add_argument("--keys", type=str, required=True)
    group.add_argument("--journal", type=str, required=True)
    group.add_argument("--seed", type=int, default=1)
    group.add_argument("--pace", type=float, default=10.0, help="business requests a second")
    group.add_argument("--for-s", type=float, default=30.0, help="seconds")


def begin(environment: Environment, **_: Any) -> None:
    """Make the run ready before Locust spawns users."""
    asked = environment.parsed_options
    if asked is None:
        return
    setup = Setup(
        make_plan(
            scenario=Path(asked.scenario),
            gateways=asked.gateway,
            keys=Path(asked.keys),
            journal=Path(asked.journal),
            seed=asked.seed,
            rate_per_s=asked.pace,
            duration_s=asked.for_s,
            today=datetime.now(UTC).date(),
        )
    )
    environment.user_classes = list(setup.user_classes)
    UntilConcluded.setup = setup


def end(**_: Any) -> None:
    """Close the journal once all users have stopped."""
    if UntilConcluded.setup is not None:
        UntilConcluded.setup.finish([])


for _hook, _listener in (
    (events.init_command_line_parser, options),
    (events.init, begin),
    (events.quitting, end),
):
    _hook.add_listener(_listener)  # type: ignore[no-untyped-call]  # -- Locust has not typed it yet
