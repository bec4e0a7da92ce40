"""What API and worker processes are both made of: store, ledger, quotas, rule book, ERPs.

The only place that knows which implementation stands behind which port.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

import structlog

from gateway.canonical.exchange import Limits, Timing, Traffic
from gateway.canonical.process import ERPS, Priority, Target
from gateway.chain.erp import MappedErp
from gateway.chaining import Chains, Speaker, tax_desk
from gateway.clock import Clock, SystemClock, token_bits
from gateway.erp.cloud.adapter import CLOUD_TIMING, CloudAccess, CloudErp
from gateway.erp.legacy.adapter import LEGACY_TIMING, LegacyAccess, LegacyErp
from gateway.errors import ConfigError
from gateway.flow.audit import Auditor
from gateway.flow.calls import Caller
from gateway.flow.credited import CreditHistory
from gateway.flow.crosswalks import CrosswalkKeeper
from gateway.flow.exceptions import Bench
from gateway.flow.guard import Guard
from gateway.flow.pressure import Pressure
from gateway.flow.shadow import How, Shadows
from gateway.flow.versions import RuleVersions
from gateway.notify.webhooks import Webhook, Webhooks
from gateway.observe.observer import ProcessObserver
from gateway.policy.fairness import NOTHING, Fairness
from gateway.policy.pressure import Marks
from gateway.policy.quotas import tightest
from gateway.policy.triage import Team, Teams
from gateway.policy.windows import Windows
from gateway.ports import Erp
from gateway.routing.window_files import load_windows
from gateway.settings import ErpSettings, Settings
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis import durability, embedded
from gateway.store.redis.backlog import RedisBacklog
from gateway.store.redis.client import Client
from gateway.store.redis.clock import StoreClock
from gateway.store.redis.desk import RedisDesk
from gateway.store.redis.feed import RedisFeed
from gateway.store.redis.intake import RedisIntake
from gateway.store.redis.lanes import RedisLanes
from gateway.store.redis.moving import RedisMoves
from gateway.store.redis.peak import RedisPeaks
from gateway.store.redis.quotas import RedisQuotas
from gateway.store.redis.reads import RedisReads
from gateway.store.redis.recovery import RedisRecovery
from gateway.store.redis.rulebook import RedisRuleBook

#: What an ERP allows if the configuration names no profile.
PROFILES: Final = {Target.LEGACY: "legacy-4-sessions", Target.CLOUD: "business-central"}

_log = structlog.get_logger("coexist")


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened parts of one process."""

    settings: Settings
    clock: StoreClock
    client: Client
    intake: RedisIntake
    lanes: RedisLanes
    moves: RedisMoves
    desk: RedisDesk
    peaks: RedisPeaks
    recovery: RedisRecovery
    guard: Guard
    backlog: RedisBacklog
    pressure: Pressure
    feed: RedisFeed
    quotas: RedisQuotas
    limits: Mapping[Target, Limits]
    book: RedisRuleBook
    ledger: SqlLedger
    auditor: Auditor
    versions: RuleVersions
    erps: Mapping[Target, Erp]
    observer: ProcessObserver
    windows: Windows
    crosswalks: CrosswalkKeeper
    reads: RedisReads
    webhooks: Webhooks

    @property
    def bench(self) -> Bench:
        """What staff work with."""
        windows = {erp: tightest(limits) for erp, limits in self.limits.items()}
        return Bench(
            desk=self.desk,
            lanes=self.lanes,
            casebook=self.ledger,
            intake=self.intake,
            backlog=self.lanes.backlog,
            auditor=self.auditor,
            clock=self.clock,
            precedents=self.ledger,
            teams=_teams(self.settings),
            calls_s={erp.value: it.calls_max * 1000 / it.span_ms for erp, it in windows.items()},
            peaks=self.peaks,
        )


@asynccontextmanager
async def opened(settings: Settings, local: Clock | None = None) -> AsyncIterator[Parts]:
    """Open everything, checked; close it in the end.

    Durations are taken from the machine's clock unless another is given, wall time from the store.

    Raises :class:`~gateway.errors.ConfigError` for what can never work and
    :class:`~gateway.errors.Unavailable` for what does not answer now.
    """
    windows = Windows(load_windows(settings.windows_dir))
    async with AsyncExitStack() as stack:
        client = await _store(settings, stack)
        clock = StoreClock(local or SystemClock(), client)
        await clock.sync()
        book = RedisRuleBook(client, settings.partitions)
        new_store = await book.install()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        ledger = await open_ledger(settings.ledger, clock=clock)
        stack.push_async_callback(ledger.close)
        await ledger.installation(settings.partitions)
        limits = limits_of(settings)
        quotas = RedisQuotas(client, limits, clock.monotonic_s)
        if new_store and await ledger.untouched():
            # Nobody can have called. A store that is new under a ledger that is not was lost with
            # what it had counted: the first turn then takes every window for full.
            for target in ERPS:
                await quotas.open(target, anew=False)
        webhooks = _webhooks(settings, clock)
        stack.push_async_callback(webhooks.close)
        observer = ProcessObserver(clock.monotonic_s)
        backlog = RedisBacklog(client, settings.partitions)
        recovery = RedisRecovery(client, settings.partitions, clock)
        crosswalks = CrosswalkKeeper(ledger)
        await crosswalks.refresh()
        intake = RedisIntake(client, settings.partitions, clock)
        chains = Chains(
            settings.plans, crosswalks, ledger, quotas, windows, clock, stack,
            tax_desk(settings.tax, clock, stack), CreditHistory(intake, ledger).of,
        )  # fmt: skip
        erps: dict[Target, Erp] = {}
        for target, erp in _erps(settings, clock).items():
            stack.push_async_callback(erp.close)
            erps[target] = MappedErp(erp, crosswalks, clock, chains.of(erp))
        yield Parts(
            settings=settings,
            clock=clock,
            client=client,
            intake=intake,
            lanes=RedisLanes(client, settings.partitions),
            moves=RedisMoves(client, settings.partitions),
            reads=RedisReads(client),
            webhooks=webhooks,
            desk=RedisDesk(client, settings.partitions),
            peaks=RedisPeaks(client),
            recovery=recovery,
            guard=Guard(recovery, ledger, client, observer, quotas),
            backlog=backlog,
            pressure=Pressure(backlog, _marks(settings), clock),
            feed=RedisFeed(client, settings.partitions),
            quotas=quotas,
            limits=limits,
            book=book,
            ledger=ledger,
            auditor=Auditor(ledger),
            versions=RuleVersions(book, ledger, clock, settings.rule_lease_ms),
            erps=erps,
            observer=observer,
            windows=windows,
            crosswalks=crosswalks,
        )


def shadows_of(parts: Parts) -> Shadows:
    """Return what compares candidates for a process; it calls only with what nobody waits for."""
    it = parts.settings.shadow
    how = How(
        it.in_flight_max, it.controls_one_in, Decimal(it.money_tolerance), it.skew_s, it.ignore
    )
    caller = Caller(parts.quotas, parts.clock, parts.windows, patience_ms=0, kind=Traffic.SHADOW)
    chance = Random(token_bits())
    return Shadows(parts.ledger, parts.erps, caller, how, parts.clock, parts.observer, chance)


def _webhooks(settings: Settings, clock: Clock) -> Webhooks:
    named = {
        name: Webhook(it.url, it.secret.get_secret_value())
        for name, it in settings.webhooks.items()
    }
    return Webhooks(named, clock)


async def _store(settings: Settings, stack: AsyncExitStack) -> Client:
    url = settings.redis_url
    if not url:
        url = await asyncio.to_thread(embedded.ensure, settings.data_dir)
    client = Client(url)
    stack.push_async_callback(client.close)
    let_pass = await durability.check(
        client.redis,
        assume_durable=settings.assume_durable,
        allow_volatile=settings.allow_volatile,
    )
    for what in let_pass:
        _log.warning("store-not-durable", what=what)
    return client


def _teams(settings: Settings) -> Teams:
    return Teams({
        scope: Team(name, it.steward) for name, it in settings.teams.items() for scope in it.owns
    })  # fmt: skip


def _erps(settings: Settings, clock: Clock) -> dict[Target, Speaker]:
    legacy, cloud = settings.erps.legacy, settings.erps.cloud
    return {
        Target.LEGACY: LegacyErp(
            LegacyAccess(
                legacy.url, legacy.user, legacy.secret.get_secret_value(), legacy.sap_client
            ),
            timing_of(legacy, LEGACY_TIMING),
            clock,
        ),
        Target.CLOUD: CloudErp(
            _cloud_access(settings),
            timing_of(cloud, CLOUD_TIMING),
            clock,
        ),
    }


def _cloud_access(settings: Settings) -> CloudAccess:
    cloud = settings.erps.cloud
    currencies = {code: it.currencies[0] for code, it in settings.legal_entities.items()}
    return CloudAccess(
        cloud.url,
        cloud.tenant,
        cloud.user,
        cloud.secret.get_secret_value(),
        cloud.scope,
        cloud.token_url,
        currencies=currencies,
    )


def timing_of(erp: ErpSettings, usual: Timing) -> Timing:
    """Return when an ERP's silence means something: its dialect's figures, and what is configured.

    Raises :class:`~gateway.errors.ConfigError` if absence would be final while a request can run.
    """
    final_s = erp.absent_final_s
    timing = Timing(
        request_ms=usual.request_ms if erp.request_s is None else round(erp.request_s * 1000),
        absent_final_ms=usual.absent_final_ms if final_s is None else round(final_s * 1000),
        poll_ms=round(erp.poll_s * 1000),
        by_process={it: round(s * 1000) for it, s in erp.request_s_by_process.items()},
        wait_first_ms=round(erp.wait_first_s * 1000),
        wait_max_ms=round(max(erp.wait_first_s, erp.wait_max_s) * 1000),
        reposts=erp.reposts,
    )
    if timing.absent_final_ms <= 2 * timing.request_ms_max:
        raise ConfigError(
            f"erps: a call may take {timing.request_ms_max / 1000:g} s (request_s, "
            f"request_s_by_process), absence is final after {timing.absent_final_ms / 1000:g} s; "
            "a request may take as long again to be executed: raise absent_final_s above that"
        )
    return timing


def profile_of(settings: Settings, target: Target) -> str:
    """Return the name of an ERP's quota profile."""
    erps = {Target.LEGACY: settings.erps.legacy, Target.CLOUD: settings.erps.cloud}
    return erps[target].quota.profile or PROFILES[target]


def limits_of(settings: Settings) -> dict[Target, Limits]:
    """Return what each ERP allows, by its profile and the configuration."""
    limits = {}
    for target, erp, usual in (
        (Target.LEGACY, settings.erps.legacy, LEGACY_TIMING),
        (Target.CLOUD, settings.erps.cloud, CLOUD_TIMING),
    ):
        # Twice the deadline: a permit that outlives its call only costs throughput, one that
        # ends before it would let the ERP's limit be exceeded.
        longest_ms = timing_of(erp, usual).request_ms_max * 2
        limits[target] = erp.quota.limits(PROFILES[target], longest_ms)
    return limits


def _marks(settings: Settings) -> Marks:
    return Marks(**settings.delivery.marks.model_dump())


def fairness(settings: Settings, *, peak: bool) -> Fairness:
    """Return how takes choose, in or out of a peak."""
    delivery = settings.delivery
    return Fairness(
        rise_ms=round(delivery.rise_after_s * 1000),
        weights={name: it.weight for name, it in settings.channels.items() if it.weight != 1},
        paused_from=Priority[delivery.peak_pauses.upper()] if peak else NOTHING,
    )
