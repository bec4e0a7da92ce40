"""Who comes first at the quota, and who may have how much of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.canonical.exchange import Limits, Shares, Traffic, Window
from gateway.store.redis.quotas import LINE_MS
from tests.unit.store.office import CLOUD, LIMITS, Office
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

READ, CRITICAL, LOW = Traffic.READ, Traffic.CRITICAL, Traffic.LOW


@pytest.fixture
def office(buffer: Buffer) -> Office:
    return Office(buffer)


async def test_what_is_less_urgent_waits_for_what_others_have_asked_for(
    buffer: Buffer, office: Office
) -> None:
    other = Office(buffer, who="b")
    out = await office.get(5)
    assert await other.get(2, CRITICAL) == []
    assert await office.get(5, LOW) == []
    await office.back(out[:3])
    assert len(await office.get(5, LOW)) == 1, "two of three places are for the critical"
    assert len(await other.get(2, CRITICAL)) == 2


async def test_who_came_first_is_served_first_and_told(buffer: Buffer, office: Office) -> None:
    other = Office(buffer, who="b")
    out = await office.get(5)
    assert await other.get(2) == []
    buffer.later(1)
    assert not await other.quotas.rung(CLOUD, 10)
    await office.back(out[:1])
    assert await office.get(3) == []
    assert await other.quotas.rung(CLOUD, 10)
    assert len(await other.get(2)) == 1
    await office.back(out[1:2])
    assert len(await office.get(3)) == 1, "the other's turn was then, now it is this one's"


async def test_a_place_in_the_line_is_forgotten_unless_renewed(
    buffer: Buffer, office: Office
) -> None:
    other = Office(buffer, who="b")
    out = await office.get(5)
    await other.get(5, CRITICAL)
    await office.back(out)
    assert await office.get(5, LOW) == []
    buffer.later(LINE_MS)
    assert len(await office.get(3, LOW)) == 3


async def test_leaving_the_line_makes_room(buffer: Buffer, office: Office) -> None:
    other = Office(buffer, who="b")
    out = await office.get(5)
    await other.get(5, CRITICAL)
    await office.back(out)
    await other.quotas.acquire(CLOUD, {})
    assert len(await office.get(3, LOW)) == 3


async def test_giving_back_keeps_the_place_in_the_line(buffer: Buffer, office: Office) -> None:
    other = Office(buffer, who="b")
    out = await office.get(5)
    await other.get(1, CRITICAL)
    await other.back([])
    await other.quotas.give_back(CLOUD, out[:1])
    assert (await office.quotas.usage(CLOUD)).waiting[CRITICAL] == 1


SHARED = Limits(
    places=50, windows=(Window(100, 10_000),), call_ms_max=2000,
    shares=Shares(read=0.2, read_idle_ms=1000, foreign=0.1, replay=0.5, shadow=0.1),
)  # fmt: skip


async def test_a_foreign_user_s_part_is_never_touched(buffer: Buffer) -> None:
    """The program beside us uses its tenth of the calls and of the places, and is never refused."""
    places = replace(SHARED.shares, foreign_places=10, read=0.0)
    office = Office(buffer, replace(SHARED, shares=places))
    assert len(await office.get(100, READ)) == 40
    await office.back(await office.get(0))
    office = Office(buffer, replace(SHARED, places=500, shares=replace(places, foreign_places=0)))
    assert len(await office.get(100, READ)) == 50


async def test_readers_have_a_reserve_while_they_read(buffer: Buffer) -> None:
    office = Office(buffer, replace(SHARED, places=500))
    assert len(await office.get(1, READ)) == 1
    assert len(await office.get(100)) == 72, "90 are ours, 18 of them the readers'"
    assert len(await office.get(100, READ)) == 17


async def test_an_idle_reserve_is_lent_a_little_at_a_time(buffer: Buffer) -> None:
    office = Office(buffer, replace(SHARED, places=500))
    assert len(await office.get(100)) == 72 + 10
    assert await office.get(100) == []
    buffer.later(2500)
    lent = await office.get(100)
    assert 0 < len(lent) < 8
    use = (await office.quotas.usage(CLOUD)).windows[0]
    assert use.lent == 10 + len(lent)
    assert len(await office.get(100, READ)) == 90 - 82 - len(lent), "the rest is there at once"


async def test_reserved_places_are_lent_only_while_nobody_reads(buffer: Buffer) -> None:
    limits = replace(LIMITS, shares=Shares(read_places=2, read_idle_ms=1000))
    office = Office(buffer, limits)
    await office.back(await office.get(5), "unused")
    await office.back(await office.get(1, READ), "unused")
    live = await office.get(5)
    assert len(live) == 3
    reads = await office.get(2, READ)
    assert len(reads) == 2
    await office.back([*live, *reads], "unused")
    buffer.later(1000)
    assert len(await office.get(5)) == 5


async def test_replay_and_shadow_have_bounded_shares(buffer: Buffer) -> None:
    office = Office(buffer, replace(SHARED, places=500))
    assert len(await office.get(100, Traffic.SHADOW)) == 9
    assert len(await office.get(100, Traffic.REPLAY)) == 45


async def test_usage_says_who_has_what(buffer: Buffer) -> None:
    office = Office(buffer, replace(SHARED, places=6))
    await office.get(2, READ)
    await office.get(3, LOW)
    await office.get(9, CRITICAL)
    use = await office.quotas.usage(CLOUD)
    assert (use.in_flight, use.places, use.lost) == (6, 6, False)
    assert (use.flying[READ], use.flying[LOW], use.flying[CRITICAL]) == (2, 3, 1)
    assert use.waiting[CRITICAL] == 8
    (window,) = use.windows
    assert (window.calls_max, window.used, window.read, window.reserve) == (90, 6, 2, 18)
