"""The quota ledger: never above a limit, whoever asks, whoever dies; first come, most urgent first.

The windows' law, for any disorder of events, is in `tests/property/test_quota_law.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.canonical.exchange import (
    Adaptive,
    Breaker,
    Limits,
    Traffic,
    Window,
)
from gateway.store.redis.quotas import POLL_MS, RedisQuotas
from tests.unit.store.office import CLOUD, LIMITS, Office
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

READ, NORMAL = Traffic.READ, Traffic.NORMAL


@pytest.fixture
def office(buffer: Buffer) -> Office:
    return Office(buffer)


# ------------------------------------------------------------------ places and windows


async def test_places_are_shared_by_everyone(buffer: Buffer, office: Office) -> None:
    other = Office(buffer, who="b")
    grants = await asyncio.gather(*((office, other)[n % 2].get(2) for n in range(6)))
    assert sum(map(len, grants)) == 5


async def test_a_call_counts_until_a_window_after_its_end(buffer: Buffer, office: Office) -> None:
    first = await office.get(5)
    buffer.later(900)
    await office.back(first)
    second = await office.get(5)
    assert len(second) == 3
    await office.back(second)
    buffer.later(999)
    assert await office.wait() == 1
    buffer.later(1)
    assert len(await office.get(9)) == 5


async def test_a_call_counts_from_when_it_left_if_that_is_known(
    buffer: Buffer, office: Office
) -> None:
    """It was on the wire 200 ms after it was asked for, and 50 ms later the ERP had it."""
    first = await office.get(5)
    for permit in first:
        permit.left_s = 0.199
    buffer.later(900)
    await office.back(first)
    assert len(await office.get(5)) == 3
    buffer.later(349)
    assert await office.wait() == 1
    buffer.later(1)
    assert len(await office.get(9)) == 2, "five of eight are free again, two places are"


async def test_several_windows_hold_at_once(buffer: Buffer) -> None:
    limits = replace(LIMITS, places=50, windows=(Window(3, 1000), Window(5, 10_000)))
    office = Office(buffer, limits)
    assert len(await office.get(9)) == 3
    buffer.later(4000)
    assert len(await office.get(9)) == 2, "the first ran out and count in the longer window"
    buffer.later(4000)
    assert await office.get(9) == []


async def test_a_daily_cap_is_a_window_of_a_day(buffer: Buffer) -> None:
    office = Office(buffer, replace(LIMITS, windows=(Window(4, 86_400_000),)))
    await office.back(await office.get(4))
    buffer.later(86_399_999)
    assert await office.get(1) == [], "moments are rounded up, never down"
    buffer.later(1 + 43_200)  # it is counted in buckets of a two-thousandth of its span
    assert len(await office.get(9)) == 4


async def test_the_first_turns_after_a_quiet_month_go_through_none_of_it(buffer: Buffer) -> None:
    """Else the store would be busy with it for minutes, and take no order meanwhile."""
    office = Office(buffer, replace(LIMITS, windows=(Window(2, 1000),)))
    await office.back(await office.get(2))
    buffer.later(2000)
    await office.get(0)
    buffer.later(30 * 86_400_000)
    await buffer.client.command("CONFIG", "RESETSTAT")
    permits = await office.get(2)
    for permit in permits:
        permit.how = "ok"
    grant = await office.quotas.acquire(CLOUD, {NORMAL: 1}, permits)  # gives back, and waits
    assert grant.wait_ms > 0
    used = await buffer.client.command("INFO", "commandstats")
    assert int(used["cmdstat_hmget"]["calls"] if "cmdstat_hmget" in used else 0) < 100


async def test_a_call_may_cost_more_than_one(buffer: Buffer) -> None:
    office = Office(buffer, replace(LIMITS, costs={READ: 1, NORMAL: 3}))
    assert len(await office.get(9)) == 2
    assert len(await office.get(9, READ)) == 2


async def test_unused_permits_cost_nothing(office: Office) -> None:
    for _ in range(10):
        permits = await office.get(5)
        assert len(permits) == 5
        await office.back(permits, "unused")


async def test_a_permit_is_given_back_once(office: Office) -> None:
    permits = await office.get(1)
    for _ in range(3):
        await office.back(permits)
    assert (await office.quotas.usage(CLOUD)).in_window == 1


# ------------------------------------------------------------------ crashes, losses, clocks


async def test_permits_of_a_crashed_worker_count_as_used(buffer: Buffer, office: Office) -> None:
    await office.get(5)
    buffer.later(2999)
    assert await office.get(1) == []
    buffer.later(1)
    assert len(await office.get(9)) == 3, "five count in the window"
    buffer.later(3000)
    await office.get(0)
    assert (await office.quotas.usage(CLOUD)).in_window == 3


@pytest.mark.parametrize(("how", "failures"), [("gone", 5), ("cut", 0)])
async def test_a_call_we_gave_up_on_keeps_its_place(
    buffer: Buffer, how: str, failures: int
) -> None:
    """Whether that says anything of the ERP depends on who gave up, and why."""
    office = Office(buffer, replace(LIMITS, breaker=Breaker(failures=6)))
    await office.back(await office.get(5), how)
    assert (await office.quotas.usage(CLOUD)).failures == failures
    assert await office.get(1) == []
    buffer.later(3000)
    assert len(await office.get(9)) == 3


@pytest.mark.parametrize("part", ["state", "flight", "w:1000"])
async def test_a_lost_key_is_a_full_window(buffer: Buffer, office: Office, part: str) -> None:
    await office.get(1)
    await buffer.client.command("DEL", f"cx:{{quota:cloud}}:{part}")
    assert (await office.quotas.acquire(CLOUD, {NORMAL: 1})).permits == ()
    buffer.later(999)
    assert (await office.quotas.acquire(CLOUD, {NORMAL: 1})).permits == ()
    buffer.later(2000)
    permits = (await office.quotas.acquire(CLOUD, {NORMAL: 1})).permits
    assert bool(permits) is (part == "w:1000"), "permits that nobody knows of may be in use"
    await office.back([*permits], "unused")
    buffer.later(1)
    assert (await office.quotas.acquire(CLOUD, {NORMAL: 1})).permits


async def test_a_new_window_in_the_configuration_is_full_at_first(
    buffer: Buffer, office: Office
) -> None:
    await office.back(await office.get(1))
    changed = Office(buffer, replace(LIMITS, windows=(*LIMITS.windows, Window(100, 5000))))
    assert await changed.get(1) == []
    buffer.later(5000)
    assert len(await changed.get(1)) == 1


async def test_staff_may_say_that_the_windows_are_empty(buffer: Buffer, office: Office) -> None:
    assert (await office.quotas.acquire(CLOUD, {NORMAL: 1})).permits == ()
    assert not await office.quotas.open(CLOUD, anew=False)
    assert await office.quotas.open(CLOUD, anew=True)
    assert len(await office.get(9)) == 5


@pytest.mark.parametrize("step_ms", [-3_600_000, -300, 300, 3_600_000])
async def test_a_step_of_the_servers_clock_is_no_time_that_passed(
    buffer: Buffer, step_ms: int
) -> None:
    passed_s = 1000.0
    quotas = RedisQuotas(buffer.client, {CLOUD: LIMITS}, lambda: passed_s)
    await quotas.open(CLOUD, anew=False)
    permits = (await quotas.acquire(CLOUD, {NORMAL: 5})).permits
    for permit in permits:
        permit.how = "ok"
    await quotas.give_back(CLOUD, permits)
    buffer.later(step_ms)
    assert len((await quotas.acquire(CLOUD, {NORMAL: 9})).permits) == 3
    passed_s += 0.999
    buffer.later(999)
    assert (await quotas.usage(CLOUD)).in_window == 8
    passed_s += 2.5
    buffer.later(2500)
    assert len((await quotas.acquire(CLOUD, {NORMAL: 9})).permits) == 5
    passed_s += 4
    buffer.later(4000 - step_ms)
    assert (await quotas.acquire(CLOUD, {NORMAL: 9})).permits, "time passed while it was set back"
    buffer.later(step_ms)
    await quotas.close(CLOUD, 2000)
    await quotas.acquire(CLOUD, {})
    assert 2000 <= (await quotas.usage(CLOUD)).closed_ms < 2300, "2 s, whatever was set"


# ------------------------------------------------------------------ closed, broken, adapted


async def test_a_closed_key_lets_nobody_through_and_is_never_shortened(
    buffer: Buffer, office: Office
) -> None:
    await office.get(0)
    await office.quotas.close(CLOUD, 2000)
    await office.quotas.close(CLOUD, 500)
    assert await office.wait() == 2000
    assert await office.wait(READ) == 2000
    buffer.later(2000)
    assert len(await office.get(1)) == 1


@pytest.mark.parametrize("kind", list(Traffic))
async def test_whoever_is_asked_for_silence_closes_it_for_all(
    buffer: Buffer, office: Office, kind: Traffic
) -> None:
    (permit,) = await office.get(1, kind)
    permit.closes_ms = 30_000
    await office.back([permit], "busy")
    assert await Office(buffer, who="b").wait(READ) == 30_000
    await office.back([permit], "busy")
    assert await office.wait(kind) == 30_000
    buffer.later(30_000)
    (permit,) = await office.get(1, kind)
    permit.closes_ms = 0
    await office.back([permit], "ok")
    assert len(await office.get(1, kind)) == 1


async def test_a_429_without_retry_after_closes_it_for_longer_each_time(
    buffer: Buffer, office: Office
) -> None:
    waits = []
    for _ in range(3):
        await office.back(await office.get(1), "busy")
        waits.append(await office.wait())
        buffer.later(waits[-1] + 1000)
    assert waits == [250, 500, 1000]
    await office.back(await office.get(1), "ok")
    await office.back(await office.get(1), "busy")
    assert await office.wait() == 250, "an answer in between begins anew"


async def test_the_breaker_opens_lets_one_through_and_closes(
    buffer: Buffer, office: Office
) -> None:
    other = Office(buffer, replace(LIMITS, breaker=Breaker(3, 1000, 3000)), who="b")
    office = Office(buffer, replace(LIMITS, breaker=Breaker(3, 1000, 3000)))
    permits = await office.get(3)
    await office.back(permits[:2], "fail")
    assert (await office.quotas.usage(CLOUD)).breaker == "closed"
    await other.back(permits[2:], "fail")
    use = await office.quotas.usage(CLOUD)
    assert (use.breaker, use.open_ms) == ("open", 1000)
    assert await other.wait() == 1000
    waits = []
    for _ in range(3):
        buffer.later((await office.quotas.usage(CLOUD)).open_ms)
        assert (await office.quotas.usage(CLOUD)).breaker == "half-open"
        (probe,) = await office.get(5)
        assert await other.get(1) == [], "one probe, not one each"
        await office.quotas.acquire(CLOUD, {})
        await office.back([probe], "fail")
        waits.append((await office.quotas.usage(CLOUD)).open_ms)
    assert waits == [2000, 3000, 3000]
    buffer.later(3000)
    await other.get(0)
    await office.back(await office.get(1), "ok")
    assert (await office.quotas.usage(CLOUD)).breaker == "closed"


async def test_a_probe_that_was_never_made_lets_another_through(buffer: Buffer) -> None:
    office = Office(buffer, replace(LIMITS, breaker=Breaker(1, 100, 100)))
    await office.back(await office.get(1), "fail")
    buffer.later(100)
    (probe,) = await office.get(1)
    assert await office.wait() == POLL_MS
    await office.back([probe], "unused")
    (probe,) = await office.get(1)
    buffer.later(3000)
    assert len(await office.get(5)) == 1, "its worker died"


async def test_where_no_limit_is_published_it_is_found(buffer: Buffer) -> None:
    limits = Limits(
        places=64, windows=(), call_ms_max=2000, network_ms=0, adaptive=Adaptive(4, 2, 20)
    )
    office = Office(buffer, limits)

    async def places(rounds: int, *, how: str = "ok", took_s: float = 0.1) -> int:
        for _ in range(rounds):
            permits = await office.get(64)
            buffer.later(int(took_s * 1000))
            for permit in permits:
                permit.left_s, permit.ended_s = 0.0, took_s
            await office.back(permits, how)
            buffer.later(6000 if how == "busy" else 0)
        return (await office.quotas.usage(CLOUD)).places

    assert await places(1) == 4
    for _ in range(20):
        await office.back(await office.get(1))
    assert (await office.quotas.usage(CLOUD)).places == 4, "who does not fill them finds no more"
    assert await places(3) == 7
    assert await places(60) == 20
    assert await places(1, how="busy") == 14, "cut once, though twenty were refused"
    assert await places(30) == 20
    assert await places(40, took_s=0.5) == 2, "answers take far longer than they can"
