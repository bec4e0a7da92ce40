"""Drives a gateway with Locust, headless, in this process, and stops by itself.

Importing this module imports Locust, which patches the standard library for gevent: only the
command line does so, and only for ``run``.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime

# Locust must patch the standard library before anything else of ours opens a socket.
from locust.env import Environment  # isort: skip

import gevent.event  # type: ignore[import-untyped]  # -- it publishes no annotations

from loadtests.actors import World, build_actors
from loadtests.journal import End, JournalWriter, Run
from loadtests.plan import Plan
from loadtests.scenario import Scenario
from loadtests.sender import Clock, Sender
from loadtests.shapes import arrivals
from loadtests.tally import Summary, Tally
from loadtests.templates import load_fixtures
from loadtests.users import USERS, ChannelUser, Drive

#: Time for all users to be there before the first request is due.
LEAD_S = 0.5


class Setup:
    """A run made ready: journal begun, Locust's user classes equipped.

    Raises LoadTestError if the journal cannot be written.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        world = World(
            plan.scenario, load_fixtures(), plan.seed, plan.today, lambda: datetime.now(UTC)
        )
        self.clock = Clock(time.monotonic, world.now, gevent.sleep)
        self.journal = JournalWriter(plan.journal)
        self.tally = Tally()
        self.closing = gevent.event.Event()
        self.started = self.clock.monotonic() + LEAD_S
        self.journal.write(self._run_entry())
        drive = Drive(
            actors=build_actors(world),
            due=_due(plan, world),
            sender=Sender(
                plan.gateways,
                plan.scenario.retry,
                self.journal,
                self.clock,
                world.chance("retry"),
                self.tally.add,
            ),
            keys=plan.keys,
            started=self.started,
            duration_s=plan.duration_s,
            clock=self.clock,
            closing=self.closing,
        )
        self.user_classes = _equipped(drive, plan.scenario, plan.gateways[0])

    @property
    def users(self) -> int:
        """How many users there are, of all kinds."""
        return sum(user_class.fixed_count for user_class in self.user_classes)

    @property
    def left_s(self) -> float:
        """Seconds until the grace period for open retries is over; 0 once it is."""
        end = self.started + self.plan.longest_s + self.plan.scenario.grace_s
        return max(0.0, end - self.clock.monotonic())

    def finish(self, faults: list[str]) -> Summary:
        """End the journal; the report. ``faults`` are mistakes of the driver itself."""
        self.journal.write(End(self.clock.monotonic(), self.clock.wall().isoformat()))
        self.journal.close()
        plan = self.plan
        return self.tally.summary(plan.seed, plan.scenario.scenario, plan.rate_per_s, faults)

    def _run_entry(self) -> Run:
        return Run(
            seed=self.plan.seed,
            rate_per_s=self.plan.rate_per_s,
            duration_s=self.plan.duration_s,
            scenario=self.plan.scenario.scenario,
            gateways=list(self.plan.gateways),
            business_date=self.plan.today.isoformat(),
            started=self.started,
            started_wall=self.clock.wall().isoformat(),
            process=os.getpid(),
            business_days=self.plan.scenario.business_days,
        )


def run(plan: Plan) -> Summary:
    """Run the scenario to its end and return what came of it. Raises LoadTestError."""
    setup = Setup(plan)
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


def _due(plan: Plan, world: World) -> dict[str, Iterator[float]]:
    due = {}
    for kind in plan.scenario.users.taking_part():
        rate = plan.scenario.users.rate_of(kind, plan.rate_per_s)
        chance = world.chance(f"arrivals:{kind}")
        due[kind] = arrivals(
            plan.scenario.shape, rate, plan.duration_s, chance, until_s=plan.longest_s
        )
    return due
