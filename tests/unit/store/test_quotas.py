"""The quota ledger: never above a limit, whoever asks, whoever dies."""

from __future__ import annotations

import asyncio
import random
from collections import deque

import pytest

from gateway.canonical.exchange import Limits
from gateway.canonical.process import Target
from gateway.store.redis.quotas import RedisQuotas
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

CLOUD = Target.CLOUD
LIMITS = Limits(concurrent_max=5, calls_max=8, window_ms=1000, call_ms_max=3000)


@pytest.fixture
def quotas(buffer: Buffer) -> RedisQuotas:
    return RedisQuotas(buffer.client, {CLOUD: LIMITS, Target.LEGACY: LIMITS})


async def test_concurrency_is_shared_by_everyone(buffer: Buffer, quotas: RedisQuotas) -> None:
    other = RedisQuotas(buffer.client, {CLOUD: LIMITS})
    grants = await asyncio.gather(*((quotas, other)[n % 2].acquire(CLOUD, 2) for n in range(6)))
    assert sum(len(grant.permits) for grant in grants) == 5


async def test_the_window_counts_calls_from_their_end(buffer: Buffer, quotas: RedisQuotas) -> None:
    first = await quotas.acquire(CLOUD, 5)
    buffer.later(900)
    await quotas.used(CLOUD, first.permits)
    second = await quotas.acquire(CLOUD, 5)
    assert len(second.permits) == 3
    await quotas.used(CLOUD, second.permits)
    buffer.later(999)
    refused = await quotas.acquire(CLOUD, 1)
    assert (refused.permits, refused.wait_ms) == ((), 1)
    buffer.later(1)
    assert len((await quotas.acquire(CLOUD, 9)).permits) == 5


async def test_unused_permits_cost_nothing(quotas: RedisQuotas) -> None:
    for _ in range(10):
        grant = await quotas.acquire(CLOUD, 5)
        assert len(grant.permits) == 5
        await quotas.unused(CLOUD, grant.permits)


async def test_a_permit_is_given_back_once(quotas: RedisQuotas) -> None:
    grant = await quotas.acquire(CLOUD, 1)
    for _ in range(3):
        await quotas.used(CLOUD, grant.permits)
    assert (await quotas.usage(CLOUD)).in_window == 1


async def test_permits_of_a_crashed_worker_count_as_used(
    buffer: Buffer, quotas: RedisQuotas
) -> None:
    await quotas.acquire(CLOUD, 5)
    buffer.later(2999)
    assert (await quotas.acquire(CLOUD, 1)).permits == ()
    buffer.later(1)
    assert len((await quotas.acquire(CLOUD, 9)).permits) == 3, "five count in the window"
    buffer.later(1000)
    assert (await quotas.usage(CLOUD)).in_window == 0


async def test_a_closed_key_lets_nobody_through_and_is_never_shortened(
    buffer: Buffer, quotas: RedisQuotas
) -> None:
    await quotas.close(CLOUD, 2000)
    await quotas.close(CLOUD, 500)
    grant = await quotas.acquire(CLOUD, 1)
    assert (grant.permits, grant.wait_ms) == ((), 2000)
    assert len((await quotas.acquire(Target.LEGACY, 1)).permits) == 1
    buffer.later(2000)
    assert len((await quotas.acquire(CLOUD, 1)).permits) == 1


async def test_an_erp_that_counts_arrivals_never_sees_more_than_its_limit(
    buffer: Buffer, quotas: RedisQuotas, seed: int
) -> None:
    """The ERP counts when a request arrives, somewhere between permit and end."""
    chance = random.Random(seed)
    arrivals: deque[int] = deque()
    flying: list[tuple[int, str]] = []
    now, worst = int(buffer.client.now_ms), 0
    for _ in range(600):
        now += chance.randrange(40)
        buffer.at(now)
        for permit in [p for end, p in flying if end <= now]:
            await quotas.used(CLOUD, [permit])
        flying = [(end, p) for end, p in flying if end > now]
        for permit in (await quotas.acquire(CLOUD, chance.randrange(1, 6))).permits:
            end = now + chance.randrange(1, 400)
            flying.append((end, permit))
            arrivals.append(chance.randrange(now, end + 1))
        assert len(flying) <= LIMITS.concurrent_max
    times = sorted(arrivals)
    for first, arrived in enumerate(times):
        in_window = sum(1 for it in times[first:] if it < arrived + LIMITS.window_ms)
        worst = max(worst, in_window)
    assert worst <= LIMITS.calls_max, f"{worst} arrivals in one window, seed {seed}"
    assert len(times) > 50
