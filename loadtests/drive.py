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
from random import Random
from urllib.parse import urlsplit

# Locust must patch the standard library before anything else of ours opens a socket.
from locust.env import Environment  # isort: skip

import gevent

from loadtests.actors import World, build_actors
from loadtests.errors import LoadTestError
from loadtests.files import json_of
from loadtests.journal import End, JournalWriter, Run
from loadtests.scenario import Scenario, load_scenario
from loadtests.sender import Clock, Sender
from loadtests.shapes import arrivals
from loadtests.tally import Summary, Tally
from loadtests.templates import load_fixtures
from loadtests.users import USERS, Drive

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


def run(order: Order) -> Summary:
    """Run the scenario to its end and return what came of it.

    Raises LoadTestError for a wrong file or URL before anything is sent.
    """
    scenario = load_scenario(order.scenario)
    keys = _keys(order.keys, scenario)
    gateways = [_base_url(url) for url in order.gateways]
    world = World(scenario, load_fixtures(), order.seed, order.today, lambda: datetime.now(UTC))
    with JournalWriter(order.journal) as journal:
        clock = Clock(time.monotonic, world.now, gevent.sleep)
        started = clock.monotonic() + LEAD_S
        journal.write(_run_entry(order, scenario, gateways, started, world.now()))
        tally = Tally()
        drive = Drive(
            actors=build_actors(world),
            due=_due(scenario, world, order),
            sender=Sender(gateways, scenario.retry, journal, clock, world.chance("retry")),
            keys=keys,
            tally=tally,
            started=started,
            duration_s=order.duration_s,
            clock=clock,
        )
        faults = _swarm(drive, scenario, gateways[0], order.duration_s)
        journal.write(End(clock.monotonic(), world.now().isoformat()))
    return tally.summary(order.seed, scenario.scenario, order.rate_per_s, faults)


def _swarm(drive: Drive, scenario: Scenario, host: str, duration_s: float) -> list[str]:
    """Let the users run; return what went wrong inside the driver, which should be nothing."""
    kinds = {name: plan for name, plan in scenario.users.taking_part().items() if plan.weight}
    classes = [USERS[kind] for kind in kinds]
    for user_class in classes:
        user_class.drive = drive
        user_class.host = host
        user_class.fixed_count = kinds[user_class.kind].users
        user_class.network_timeout = user_class.connection_timeout = scenario.retry.timeout_s
    environment = Environment(user_classes=list(classes))
    runner = environment.create_local_runner()
    handlers = [
        gevent.signal_handler(sign, drive.closing.set) for sign in (signal.SIGTERM, signal.SIGINT)
    ]
    users = sum(plan.users for plan in kinds.values())
    try:
        runner.start(users, spawn_rate=100)
        if runner.spawning_greenlet is not None:
            runner.spawning_greenlet.join()
        limit_s = drive.started + duration_s + scenario.grace_s - time.monotonic()
        runner.user_greenlets.join(timeout=max(limit_s, 0))
    finally:
        # Whoever still waits for an answer is stopped; the sender journals what is unknown.
        runner.quit()
        for handler in handlers:
            handler.cancel()
    return [
        f"{row['count']} x {row['msg']}\n{row['traceback']}" for row in runner.exceptions.values()
    ]


def _due(scenario: Scenario, world: World, order: Order) -> dict[str, Iterator[float]]:
    due = {}
    for kind in scenario.users.taking_part():
        rate = scenario.users.rate_of(kind, order.rate_per_s)
        chance = Random(f"{world.seed}:arrivals:{kind}")
        due[kind] = arrivals(scenario.shape, rate, order.duration_s, chance)
    return due


def _run_entry(
    order: Order, scenario: Scenario, gateways: list[str], started: float, wall: datetime
) -> Run:
    return Run(
        seed=order.seed,
        rate_per_s=order.rate_per_s,
        duration_s=order.duration_s,
        scenario=scenario.scenario,
        gateways=gateways,
        business_date=order.today.isoformat(),
        started=started,
        started_wall=wall.isoformat(),
        process=os.getpid(),
    )


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
