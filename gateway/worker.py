"""Composes the worker process: leases, one dispatcher per ERP, projector, releaser."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Final

import gateway.erp.wire  # noqa: F401 -- loaded before the first call, not during it
from gateway.canonical.exchange import Lease, Traffic
from gateway.canonical.process import ERPS, Target
from gateway.clock import Clock, token_bits
from gateway.errors import CoexistError, FencedOut
from gateway.flow.calls import Caller
from gateway.flow.crosswalks import REFRESH_S
from gateway.flow.decisions import DecisionKeeper
from gateway.flow.dispatch import Dispatcher
from gateway.flow.forget import Forgetter
from gateway.flow.guard import LOOK_S
from gateway.flow.leases import LeaseKeeper
from gateway.flow.owners import OwnerFinder
from gateway.flow.project import BATCH_MAX, Projector
from gateway.flow.reconcile import Reconciler
from gateway.flow.recover import Recoverer
from gateway.flow.release import Releaser
from gateway.flow.seek import Seeker
from gateway.flow.shadow import ShadowWrites
from gateway.flow.status import Statuses
from gateway.flow.wake import Waker
from gateway.flow.watch import TICK_S, Watch
from gateway.flow.workplace import Workplace
from gateway.policy.batching import Plan, plan
from gateway.ruling import duties
from gateway.settings import Settings
from gateway.store.redis.clock import SYNC_S
from gateway.store.redis.forgetting import RedisForgetting
from gateway.store.redis.glance import RedisGlance
from gateway.store.redis.seeking import RedisSeeking
from gateway.watchdog import Watchdog
from gateway.wiring import Parts, fairness, opened, shadows_of

PROJECT_S: Final = 0.1
RELEASE_S: Final = 0.25
WAKE_S: Final = 0.5
SEEK_S: Final = 0.5
PEAK_S: Final = 1.0
TIDY_S: Final = 600.0
SHADOWS_S: Final = 5.0
#: One look per partition and ERP each time: with 16 partitions a call in four seconds at most.
RECONCILE_S: Final = 60.0


class Worker:
    """One worker; any number of them share the partitions."""

    def __init__(self, parts: Parts, holder: str) -> None:
        settings, clock, chance = parts.settings, parts.clock, Random(token_bits())
        self._parts = parts
        self._lease_ms = settings.lease_ms
        self._shadows = shadows_of(parts)
        self._watchdogs = [Watchdog(settings.lease_ms / 1000)] if settings.watchdog else []
        self._recoverer = Recoverer(
            parts.recovery, parts.ledger, parts.ledger, parts.lanes, parts.observer,
            settings.lease_ms, parts.quotas,
        )  # fmt: skip
        self._keeper = LeaseKeeper(
            parts.lanes, clock, holder, settings.partitions, settings.lease_ms, chance,
            self._recoverer.sound,
        )  # fmt: skip
        workplace = Workplace(
            parts.lanes, parts.quotas, parts.erps, self._keeper, parts.observer, clock, chance,
            parts.windows, ShadowWrites(self._shadows, parts.versions).delivered, _batching(parts),
            parts.ledger, Statuses(parts.intake, parts.ledger, clock),
        )  # fmt: skip
        self._dispatchers = [Dispatcher(erp, workplace, settings.in_flight_max) for erp in ERPS]
        self._projector = Projector(parts.feed, parts.ledger)
        self._releaser = Releaser(parts.lanes, parts.book, parts.versions)
        self._seeker = Seeker(
            RedisSeeking(parts.client, settings.partitions), parts.book, parts.versions,
            OwnerFinder(parts.ledger, parts.erps, Caller(parts.quotas, clock, parts.windows)),
            settings.entities_of,
            settings.owners.seek_s * 1000,
        )  # fmt: skip
        self._waker = Waker(parts.lanes)
        self._glance = RedisGlance(parts.client, settings.partitions)
        self._decisions = DecisionKeeper(
            parts.ledger,
            parts.ledger,
            parts.ledger,
            clock,
            settings.evidence.keep_days,
            settings.evidence.payload_days,
        )
        self._forgetter = Forgetter(
            parts.ledger,
            RedisForgetting(parts.client, settings.partitions),
            clock,
            settings.owners.keep_days,
        )
        spare = Caller(parts.quotas, clock, parts.windows, patience_ms=0, kind=Traffic.LOW)
        self._reconciler = Reconciler(
            parts.ledger, parts.erps, spare, parts.auditor, parts.observer, clock
        )
        self._watch = Watch(parts.book, holder, duties(parts), parts.observer, clock)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; then finish what is in flight and give the partitions back."""
        await self._parts.client.guard()
        await self._keeper.tick()
        async with asyncio.TaskGroup() as group:  # if one ends in error, all end: no half a worker
            leasing = group.create_task(self._keep_leases())
            beating = [group.create_task(self._beat(dog)) for dog in self._watchdogs]
            guarding = group.create_task(self._keep_guard())
            work = [dispatcher.run(stop) for dispatcher in self._dispatchers]
            work += [
                self._each_lease(
                    stop, PROJECT_S, self._glance.with_events, self._projector.project, BATCH_MAX
                ),
                self._each_lease(stop, RELEASE_S, self._glance.with_parked, self._releaser.release),
                self._each_lease(stop, SEEK_S, self._glance.with_sought, self._seeker.seek),
                self._each_lease(stop, WAKE_S, _all, self._waker.wake),
                self._every(stop, RECONCILE_S, self._look_again),
                self._every(stop, PEAK_S, self._look_at_peak),
                self._every(stop, TIDY_S, self._decisions.tidy),
                self._every(stop, TIDY_S, self._forget),
                self._every(stop, SHADOWS_S, self._shadows.flush),
                self._every(stop, TICK_S, self._watch.tick),
                self._every(stop, REFRESH_S, self._parts.crosswalks.refresh),
                self._every(stop, SYNC_S, self._parts.clock.sync),
            ]
            await asyncio.wait([group.create_task(one) for one in work])
            leasing.cancel()
            for one in beating:
                one.cancel()
            guarding.cancel()
        await self._keeper.leave()
        with suppress(CoexistError):
            await self._shadows.flush()

    async def _forget(self) -> None:
        """Let old owners leave the store; one worker does it, whoever holds the first partition."""
        if any(lease.partition == 0 for lease in self._keeper.held()):
            await self._forgetter.forget()

    async def _keep_guard(self) -> None:
        """Take every partition anew, and look at it first, when the store is another process."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._parts.client.is_strange():
                self._keeper.lost_all()
                self._recoverer.forget()
                try:
                    await self._parts.client.trust()
                except CoexistError as error:
                    self._parts.observer.trouble("guard", error)

    async def _look_at_peak(self) -> None:
        peak = await self._parts.peaks.peak()
        self._parts.lanes.favour(fairness(self._parts.settings, peak=peak is not None))

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 1000 / 4)
            await self._keeper.tick()

    async def _beat(self, watchdog: Watchdog) -> None:
        """Apart from the leases: a store that is slow to answer is no reason to be killed."""
        try:
            while True:
                watchdog.beat()
                await asyncio.sleep(self._lease_ms / 1000 / 4)
        finally:
            watchdog.stop()

    async def _look_again(self) -> None:
        for lease in self._keeper.held():
            await self._reconciler.look(lease)

    async def _every(
        self, stop: asyncio.Event, pause_s: float, act: Callable[[], Awaitable[object]]
    ) -> None:
        while not stop.is_set():
            try:
                await act()
            except CoexistError as error:
                self._parts.observer.trouble(act.__qualname__, error)
            try:
                async with asyncio.timeout(pause_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _each_lease(
        self,
        stop: asyncio.Event,
        pause_s: float,
        pick: Callable[[Sequence[Lease]], Awaitable[Sequence[Lease]]],
        act: Callable[[Lease], Awaitable[int]],
        much: int = 1,
    ) -> None:
        """Act on each lease that is picked, and pause unless one had ``much`` to do: it has more.

        What comes in ones and twos comes together while we pause, and costs less together.
        """
        while not stop.is_set():
            most = 0
            try:
                for lease in await pick(self._keeper.held()):
                    if stop.is_set():
                        return
                    try:
                        most = max(most, await act(lease))
                    except FencedOut:
                        self._keeper.lost(lease)
            except CoexistError as error:
                self._parts.observer.trouble(act.__qualname__, error)
            if most < much:
                await asyncio.sleep(pause_s)


async def _all(leases: Sequence[Lease]) -> Sequence[Lease]:
    return leases


def _batching(parts: Parts) -> dict[Target, Plan]:
    return {
        erp: plan(limits, parts.erps[erp].timing.request_ms_min)
        for erp, limits in parts.limits.items()
    }


async def work(settings: Settings, ready: Callable[[], None], clock: Clock | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT; ``ready`` is called once it serves.

    The clock is the machine's unless one is given.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with opened(settings, clock) as parts:
        holder = f"{socket.gethostname()}:{os.getpid()}:{token_bits(32):08x}"
        worker = Worker(parts, holder)
        ready()
        await worker.run(stop)
