"""Composes the API process: the API over the opened parts, as granian's worker runs it.

Run as many as you like, on as many machines as you like: they share nothing but the store and the
ledger.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import gateway.erp.wire  # noqa: F401 -- loaded before the first call, not during it
from gateway import __version__
from gateway.api.admin.services import Admin
from gateway.api.app import create_app
from gateway.api.front import Asked, Exchange, Front
from gateway.api.services import Services
from gateway.channels.loop.intake import LoopIntake
from gateway.channels.shopify.intake import ShopifyIntake
from gateway.clock import token_bits
from gateway.errors import CoexistError
from gateway.flow.calls import Caller
from gateway.flow.correct import Corrector
from gateway.flow.crosswalks import REFRESH_S
from gateway.flow.decisions import ReadLog
from gateway.flow.enquire import Enquiries
from gateway.flow.exceptions import Exceptions
from gateway.flow.guard import LOOK_S
from gateway.flow.peak import PeakMode
from gateway.flow.shadow import Shadows
from gateway.flow.standing import standing
from gateway.flow.status import Statuses
from gateway.flow.watch import Watch
from gateway.observe.logs import configure
from gateway.pulling import PULL_S, pulling
from gateway.ruling import duties
from gateway.serve import announce
from gateway.settings import Settings, load
from gateway.store.redis.clock import SYNC_S
from gateway.taking import acceptor, payments, store_intake
from gateway.wiring import Parts, opened, shadows_of

#: Containers made before the collector looks: about a hundred orders' worth.
GARBAGE_THRESHOLD: Final = 50_000

#: Between two readings of backlog and quotas for the metrics.
MEASURE_S: Final = 1.0

#: Between two batches of recorded reads, and of shadow comparisons.
KEEP_S: Final = 5.0


def application() -> Application:
    """Build the application of one gateway process (granian's factory)."""
    configure()
    return Application(load())


class Application:
    """The application granian's worker runs (RSGI); opens its parts in the worker's event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._front: Front
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None]

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the parts before the first request; end the process if that is not possible."""
        ready = loop.create_future()
        self._life = loop.create_task(self._live(ready))
        try:
            loop.run_until_complete(ready)
        except CoexistError as error:
            print(f"coexist: {error}", file=sys.stderr, flush=True)  # noqa: T201 -- as commands do
            sys.exit(error.exit_code)

    def __rsgi__(self, asked: Asked, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        return self._front(asked, exchange)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the parts after the last request."""
        self._stop.set()
        loop.run_until_complete(self._life)

    async def _live(self, ready: asyncio.Future[None]) -> None:
        try:
            async with opened(self._settings) as parts:
                await parts.guard.start()
                reads = read_log(parts)
                shadows = shadows_of(parts)
                gateway = create_app(services(parts, reads, shadows))
                async with watching(parts, reads, shadows), gateway.lifespan():
                    self._front = Front(gateway)
                    settle_garbage_collector()
                    ready.set_result(None)
                    await announce()
                    await self._stop.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)


def settle_garbage_collector() -> None:
    """Take what start-up made out of the collector's sight, and let it look less often.

    A request makes some hundreds of short-lived containers and no cycles; at the default of 700
    the collector would run for every other order and find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)


async def _keep_guard(parts: Parts) -> None:
    while True:
        await parts.guard.watch()
        await parts.clock.sleep(LOOK_S)


def services(parts: Parts, reads: ReadLog, shadows: Shadows) -> Services:
    """Put the story together for the API."""
    caller = Caller(parts.quotas, parts.clock, parts.windows)
    taking = acceptor(parts, caller)
    return Services(
        acceptor=taking,
        stores=store_intake(parts, taking),
        shopify=ShopifyIntake(taking, parts.intake, parts.ledger, payments(parts)),
        loop=LoopIntake(taking, parts.intake, parts.ledger),
        enquiries=Enquiries(
            parts.versions, parts.erps, caller, reads.note, shadows, parts.reads.count
        ),
        statuses=Statuses(parts.intake, parts.ledger, parts.clock),
        settings=parts.settings,
        clock=parts.clock,
        health={
            "store": parts.client.ping,
            "ledger": parts.ledger.ping,
            "rules": parts.versions.current,
        },
        metrics=parts.observer.exposition,
        observer=parts.observer,
        version=__version__,
        admin=Admin(
            exceptions=Exceptions(parts.bench),
            corrector=Corrector(parts.bench, parts.erps, caller),
            peak=PeakMode(parts.peaks, parts.auditor, parts.clock),
            peak_pauses=parts.settings.delivery.peak_pauses,
            standing=lambda: standing(
                parts.book, parts.quotas, parts.erps, parts.lanes.backlog, parts.lanes.alive
            ),
            people=parts.settings.staff,
            calls_per_minute=parts.settings.admin_calls_per_minute,
            body_bytes_max=parts.settings.body_bytes_max,
        ),
    )


def _name() -> str:
    """Return a name no other process has, now or later."""
    return f"{socket.gethostname()}:{os.getpid()}:{token_bits(32):08x}"


def read_log(parts: Parts) -> ReadLog:
    """Return what records the decisions on this process's reads."""
    one_in = parts.settings.evidence.reads_one_in
    return ReadLog(parts.ledger, parts.clock, f"reads-{_name()}", one_in)


@asynccontextmanager
async def watching(parts: Parts, reads: ReadLog, shadows: Shadows) -> AsyncIterator[None]:
    """Keep the rule lease fresh and say so; end with the parent, however that ends."""
    name = _name()
    parts.versions.read_as(name)
    watch = Watch(parts.book, name, duties(parts), parts.observer, parts.clock)
    tasks = [
        asyncio.create_task(_follow_rules(parts)),
        asyncio.create_task(watch.run()),
        asyncio.create_task(_measure(parts)),
        asyncio.create_task(_keep(parts, "counts of reads", parts.reads.flush)),
        asyncio.create_task(_keep(parts, "clock", parts.clock.sync, SYNC_S)),
        asyncio.create_task(_keep_guard(parts)),
        asyncio.create_task(_keep(parts, "reads", reads.flush)),
        asyncio.create_task(_keep(parts, "shadow", shadows.flush)),
        asyncio.create_task(_keep(parts, "drift", partial(_keep_drifts, parts))),
        asyncio.create_task(_follow_crosswalks(parts)),
        asyncio.create_task(_pull(parts, name)),
        asyncio.create_task(_end_with_parent()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(CoexistError):
            await _keep_drifts(parts)


async def _follow_rules(parts: Parts) -> None:
    lease_ms = parts.settings.rule_lease_ms
    while True:
        try:
            await parts.versions.refresh()
            await parts.versions.report()
        except CoexistError as error:
            parts.observer.trouble("rules", error)
        await parts.clock.sleep(lease_ms / 4000)


async def _follow_crosswalks(parts: Parts) -> None:
    while True:
        try:
            await parts.crosswalks.refresh()
        except CoexistError as error:
            parts.observer.trouble("crosswalks", error)
        await parts.clock.sleep(REFRESH_S)


async def _pull(parts: Parts, name: str) -> None:
    """Pull the channels that are pulled, if there are any; cut off, whatever it was comes again."""
    if any(it.is_pulled for it in parts.settings.channels.values()):
        async with AsyncExitStack() as stack:
            await _keep(parts, "pull", pulling(parts, name, stack).look, PULL_S)


async def _measure(parts: Parts) -> None:
    while True:
        try:
            backlog = await parts.pressure.measure()
            parts.observer.backlog({**backlog.places(), "events": backlog.events})
            parts.observer.pressure(backlog, parts.pressure.refused)
            for erp in parts.erps:
                parts.observer.quota(erp.value, await parts.quotas.usage(erp))
        except CoexistError as error:
            parts.observer.trouble("measure", error)
        await parts.clock.sleep(MEASURE_S)


async def _keep_drifts(parts: Parts) -> None:
    a_day = parts.settings.evidence.payloads_a_day
    await parts.observer.drifts.flush(parts.ledger, parts.clock.now(), a_day)


async def _keep(
    parts: Parts, what: str, act: Callable[[], Awaitable[object]], pause_s: float = KEEP_S
) -> None:
    while True:
        try:
            await act()
        except CoexistError as error:
            parts.observer.trouble(what, error)
        await parts.clock.sleep(pause_s)


async def _end_with_parent() -> None:
    """Leave when the supervising process was killed: its port must not stay open without it."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 -- nothing tells us when a parent is killed
        await asyncio.sleep(0.5)
    os._exit(1)
