"""The quota's law against a model of the ERP, for any disorder of turns, crashes, losses, clocks.

Workers ask, for calls and for batches, begin them or do not, end them, give back or die; keys are
lost; a turn ends in an error half-way; the server's clock steps. The model is the ERP: it sees
each call arrive at a moment of its own choice between grant and end, each operation of a batch
counted by itself, and holds it in service. Never may more arrive within any span, or be in service
at once, than it allows, whatever it chooses; and once all is quiet, everything is free again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from gateway.canonical.exchange import Limits, Permit, Shares, Traffic, Window
from gateway.canonical.process import Target
from gateway.store.redis.client import Client
from gateway.store.redis.quotas import RedisQuotas

Use = tuple[int, bool, int]

CLOUD = Target.CLOUD
WINDOWS = (Window(4, 400), Window(6, 1500))
#: A day's cap, on a day that is short.
DAY = Window(12, 6000)
LIMITS = Limits(
    places=3, windows=(*WINDOWS, DAY), call_ms_max=200, use_ms=100, network_ms=20,
    shares=Shares(read=0.25, read_places=1, read_idle_ms=300, shadow=0.5),
)  # fmt: skip
#: With what an earlier life of the store may have let through before it was lost.
OUT_MS = LIMITS.use_ms + LIMITS.call_ms_max


@dataclass
class Call:
    """A call as the ERP sees it."""

    arrives_ms: int
    ends_ms: int
    permit: Permit
    worker: int


@dataclass
class World:
    """True time, the server's clock (with its steps), workers and the ERP."""

    client: Client
    workers: list[RedisQuotas] = field(default_factory=list)
    true_ms: int = 0
    step_ms: int = 0
    held: list[tuple[int, Permit]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in range(3):
            self.workers.append(
                RedisQuotas(
                    self.client, {CLOUD: LIMITS}, lambda: self.true_ms / 1000, who=f"w{name}"
                )
            )
        self.tell()

    def tell(self) -> None:
        self.client.now_ms = 1_795_000_000_000 + self.true_ms + self.step_ms

    async def pass_(self, ms: int) -> None:
        """Let time pass; calls end on the way, and are given back unless their worker died."""
        until = self.true_ms + ms
        while due := [call for call in self.calls if call.ends_ms <= until]:
            call = min(due, key=lambda it: it.ends_ms)
            self.calls.remove(call)
            self.true_ms = max(self.true_ms, call.ends_ms)
            self.tell()
            if call.worker >= 0:
                await self.workers[call.worker].give_back(CLOUD, [call.permit])
        self.true_ms = until
        self.tell()

    async def ask(self, worker: int, kind: Traffic, uses: list[Use | None], units: int = 1) -> None:
        grant = await self.workers[worker].acquire(CLOUD, {kind: len(uses)}, units=units)
        for permit, use in zip(grant.permits, uses, strict=False):
            self.held.append((worker, permit))
            await self.begin(use, last=True)

    async def begin(self, use: Use | None, *, last: bool = False) -> None:
        """Begin a call, if a permit is there that has not run out."""
        if not self.held or use is None:
            return
        worker, permit = self.held.pop(-1 if last else 0)
        if not permit.good:
            return
        arrives, known, takes = use
        with permit.in_use():
            if known:
                permit.left()  # and it is on its way for as long as the network takes
                arrives = min(arrives, LIMITS.network_ms)
        ends = min(self.true_ms + arrives + takes, self.true_ms + LIMITS.call_ms_max)
        arrives = min(self.true_ms + arrives, ends)
        self.arrivals.append(arrives)
        # The operations of a batch are counted as they begin, the last ones just before its end.
        self.arrivals += [ends if n % 2 else arrives for n in range(1, permit.units)]
        self.calls.append(Call(arrives, ends, permit, worker))

    async def give(self, count: int) -> None:
        for worker, permit in self.held[:count]:
            await self.workers[worker].give_back(CLOUD, [permit])
        del self.held[:count]

    async def die(self, worker: int) -> None:
        """Its permits are nobody's, its calls go on, and nobody gives them back."""
        self.held = [it for it in self.held if it[0] != worker]
        for call in self.calls:
            call.worker = -1 if call.worker == worker else call.worker

    async def lose(self, key: str) -> None:
        await self.client.command("DEL", f"cx:{{quota:cloud}}:{key}")

    async def fail(self, at: int) -> None:
        """Let the next turn end in an error at its ``at``-th command, if it has so many."""
        await self.client.command("SET", FAIL_AT, at)

    async def clock(self, ms: int) -> None:
        self.step_ms += ms
        self.tell()

    def check(self) -> None:
        assert len([it for it in self.calls if it.arrives_ms <= self.true_ms]) <= LIMITS.places
        for window in LIMITS.windows:
            for first in self.arrivals:
                inside = sum(1 for it in self.arrivals if first <= it < first + window.span_ms)
                assert inside <= window.calls_max, (window, sorted(self.arrivals))


WORKERS = st.integers(0, 2)
#: How a permit is used: held for later, or a call that arrives after so long, known to have left
#: or not, and takes so long.
USES = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from([0, 0, 20, 200]), st.booleans(), st.sampled_from([0, 0, 1, 110, 200])
    ),
)
#: What a batch counts: itself, and each of its operations.
UNITS = st.sampled_from([2, 3, 4])
ASKS = st.lists(USES, min_size=2, max_size=4)
WORK = st.one_of(
    st.tuples(st.just("ask"), WORKERS, st.sampled_from(list(Traffic)), ASKS),
    st.tuples(st.just("ask"), WORKERS, st.just(Traffic.READ), ASKS),
    st.tuples(st.just("ask"), WORKERS, st.sampled_from(list(Traffic)), ASKS, UNITS),
    st.tuples(st.just("begin"), USES),
    st.tuples(st.just("give"), st.integers(1, 4)),
    st.tuples(st.just("pass_"), st.sampled_from([1, 20, 110, 200])),
    st.tuples(st.just("pass_"), st.sampled_from([1, 380, 400, 1100])),
)
DISASTERS = st.one_of(
    st.tuples(st.just("die"), WORKERS),
    st.tuples(st.just("lose"), st.sampled_from(["state", "flight", "line", "w:400", "w:6000"])),
    st.tuples(st.just("clock"), st.sampled_from([-86_400_000, -2000, 260, 5000, 86_400_000])),
)
#: Disasters are rare, or every limit would be thought used up nearly always.
STEPS = st.integers(0, 19).flatmap(lambda n: DISASTERS if n == 19 else WORK)
#: A turn that ends at the n-th command of its script, which has some forty.
FAILURES = st.tuples(st.just("fail"), st.integers(1, 40))
FRAIL = st.integers(0, 9).flatmap(lambda n: FAILURES if n == 9 else WORK)


ON_PURPOSE = "failed on purpose"
FAIL_AT = "cx:{quota:cloud}:fail_at"
#: Put in front of a script: an error in place of one of its commands. What it wrote before stays.
_FAILING = f"""
local call, left = redis.call, tonumber(redis.call('GET', '{FAIL_AT}') or '0')
local redis = setmetatable({{call = function(...)
  left = left - 1
  if left == 0 then call('DEL', '{FAIL_AT}') error('{ON_PURPOSE}') end
  return call(...)
end}}, {{__index = redis}})
"""


def failing(client: Client, name: str) -> None:
    """Let a script fail where the key says."""
    flags, _, text = client._texts[name].partition("\n")
    client._texts[name] = f"{flags}\n{_FAILING}{text}"
    client._shas[name] = sha1(client._texts[name].encode(), usedforsecurity=False).hexdigest()


@contextlib.contextmanager
def running(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    try:
        yield
    finally:
        loop.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    with running(made):
        yield made


@pytest.fixture(scope="module")
def client(valkey_url: str, loop: asyncio.AbstractEventLoop) -> Iterator[Client]:
    made = Client(valkey_url)
    failing(made, "quota_turn")
    yield made
    loop.run_until_complete(made.close())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=25, max_size=50))
def test_never_above_any_limit(
    client: Client, loop: asyncio.AbstractEventLoop, steps: list[tuple[Any, ...]]
) -> None:
    loop.run_until_complete(story(client, steps))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(FRAIL, min_size=25, max_size=50))
def test_nor_after_turns_that_ended_half_way(
    client: Client, loop: asyncio.AbstractEventLoop, steps: list[tuple[Any, ...]]
) -> None:
    loop.run_until_complete(story(client, steps))


@pytest.mark.parametrize("units", [1, 4])
def test_wherever_a_turn_ends_what_it_did_is_no_half_state(
    client: Client, loop: asyncio.AbstractEventLoop, units: int
) -> None:
    """A permit runs out and another is granted in one turn: as many are out as before."""
    dear: tuple[Any, ...] = ("ask", 0, Traffic.HIGH, [None], 4)
    for at in range(1, 60):
        ask = ("ask", 1, Traffic.LOW, [(0, False, 0)] * 3, units)
        steps = [dear, ("pass_", OUT_MS + 1), ("fail", at), ask, ask, ("pass_", 380), ask]
        loop.run_until_complete(story(client, steps))


async def story(client: Client, steps: list[tuple[Any, ...]]) -> None:
    """Live through the steps; the law holds after each, and at the end all is free again."""
    await client.command("FLUSHALL")
    world = World(client)
    await world.workers[0].open(CLOUD, anew=False)
    for worker in world.workers:
        await worker.acquire(CLOUD, {})  # each has seen the server's clock once
    for step in steps:
        try:
            await getattr(world, step[0])(*step[1:])
        except ResponseError as error:
            # Whoever's turn ends so knows of no permit; what it gave back may be unknown.
            if ON_PURPOSE not in str(error):
                raise
        world.check()
    await client.command("DEL", FAIL_AT)
    await world.pass_(OUT_MS + 1)
    await world.workers[0].acquire(CLOUD, {})
    await world.pass_(DAY.span_ms + OUT_MS + 10)
    for worker in world.workers:
        await worker.acquire(CLOUD, {})
    grant = await world.workers[1].acquire(CLOUD, {Traffic.READ: 9})
    assert len(grant.permits) == LIMITS.places, "what was used came back"
