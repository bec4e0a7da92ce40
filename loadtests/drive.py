"""Drives a gateway with Locust, headless, in this process, and stops by itself.

Importing this module imports Locust, which patches the standard library for gevent: only the
command line does so, and only for ``run``.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

# Locust must patch the standard library before anything else of ours opens a socket.
from locust.env import Environment  # isort: skip

import gevent.event  # type: ignore[import-untyped]  # it publishes no annotations

from loadtests.actors import World, build_actors
from loadtests.errors import LoadTestError
from loadtests.files import json_of
from loadtests.journal import End, JournalWriter, Run
from loadtests.scenario import Scenario, load_scenario
from loadtests.sender import Clock, Sender
from loadtests.shapes import arrivals
from loadtests.tally import Summary, Tally
from loadtests.templates import load_fixtures
from loadtests.users import USERS, ChannelUser, Drive

#: Time for all users to be there before the first request is due.
LEAD_S = 0.5


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line. ``today`` is the last business day of the run."""

    scenario: Path
    gateways: Sequence[str]
    keys: Path
    journal: Path
    seed: int
    rate_per_s: float
    duration_s: float
    today: date


class Setup:
    """A run made ready: files read, journal begun, Locust's user classes equipped.

    Raises LoadTestError for a wrong file or URL before anything is sent.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.scenario = load_scenario(order.scenario)
        keys = _keys(order.keys, self.scenario)
        gateways = [_base_url(url) for url in order.gateways]
        world = World(
            self.scenario, load_fixtures(), order.seed, order.today, lambda: datetime.now(UTC)
        )
        self.clock = Clock(time.monotonic, world.now, gevent.sleep)
        self.journal = JournalWriter(order.journal)
        self.tally = Tally()
        self.closing = gevent.event.Event()
        self.started = self.clock.monotonic() + LEAD_S
        self.journal.write(self._run_entry(gateways))
        drive = Drive(
            actors=build_actors(world),
            due=_due(self.scenario, world, order),
            sender=Sender(
                gateways, self.scenario.retry, self.journal, self.clock, world.chance("retry")
            ),
            keys=keys,
            tally=self.tally,
            started=self.started,
            duration_s=order.duration_s,
            clock=self.clock,
            closing=self.closing,
        )
        self.user_classes = _equipped(drive, self.scenario, gateways[0])

    @property
    def users(self) -> int:
        """How many users there are, of all kinds."""
        return sum(user_class.fixed_count for user_class in self.user_classes)

    @property
    def left_s(self) -> float:
        """Seconds until the grace period for open retries is over; 0 once it is."""
        end = self.started + self.order.duration_s + self.scenario.grace_s
        return max(0.0, end - self.clock.monotonic())

    def finish(self, faults: list[str]) -> Summary:
        """End the journal; the report. ``faults`` are mistakes of the driver itself."""
        self.journal.write(End(self.clock.monotonic(), self.clock.wall().isoformat()))
        self.journal.close()
        order = self.order
        return self.tally.summary(order.seed, self.scenario.scenario, order.rate_per_s, faults)

    def _run_entry(self, gateways: list[str]) -> Run:
        return Run(
            seed=self.order.seed,
            rate_per_s=self.order.rate_per_s,
            duration_s=self.order.duration_s,
            scenario=self.scenario.scenario,
            gateways=gateways,
            business_date=self.order.today.isoformat(),
            started=self.started,
            started_wall=self.clock.wall().isoformat(),
            process=os.getpid(),
        )


def run(order: Order) -> Summary:
    """Run the scenario to its end and return what came of it. Raises LoadTestError."""
    setup = Setup(order)
    environment = Environment(user_classes=list(setup.user_classes))
    runner = environment.create_local_runner()
    # Asked to stop early: send nothing new, conclude what is open.
    signs = (signal.SIGTERM, signal.SIGINT)
    handlers = [gevent.signal_handler(sign, setup.closing.set) for sign in signs]
    try:
        runner.start(setup.users, spawn_rate=100)
        if runner.spawning_greenlet is not None:
            runner.spawning_greenlet.join()
        runner.user_greenlets.join(timeout=setup.left_s)
    finally:
        # Whoever still waits for an answer is stopped; the sender journals what is unknown.
        runner.quit()
        for handler in handlers:
            handler.cancel()
    return setup.finish(
        [f"{row['count']} x {row['msg']}\n{row['traceback']}" for row in runner.exceptions.values()]
    )


def _equipped(drive: Drive, scenario: Scenario, host: str) -> list[type[ChannelUser]]:
    """Locust makes users from classes: what they share has to be put on the class."""
    classes = []
    for kind, plan in scenario.users.taking_part().items():
        if plan.weight:
            user_class = USERS[kind]
            user_class.drive = drive
            user_class.host = host
            user_class.fixed_count = plan.users
            user_class.network_timeout = scenario.retry.timeout_s
            user_class.connection_timeout = scenario.retry.timeout_s
            classes.append(user_class)
    return classes


def _due(scenario: Scenario, world: World, order: Order) -> dict[str, Iterator[float]]:
    due = {}
    for kind in scenario.users.taking_part():
        rate = scenario.users.rate_of(kind, order.rate_per_s)
        chance = world.chance(f"arrivals:{kind}")
        due[kind] = arrivals(scenario.shape, rate, order.duration_s, chance)
    return due


def _keys(path: Path, scenario: Scenario) -> Mapping[str, str]:
    """API keys by channel; raises LoadTestError if a channel of the scenario has none."""
    keys = json_of(path)
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise LoadTestError(f"{path}: not an object of API keys by channel")
    for kind in scenario.users.taking_part():
        channel = USERS[kind].channel
        if channel not in keys:
            raise LoadTestError(f"{path}: no key for channel {channel!r}, which {kind} sends as")
    return keys


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise LoadTestError(f"--gateway {url}: not a base URL; write http://HOST:PORT")
    return url.rstrip("/")
