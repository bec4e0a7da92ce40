"""The ERP's own queue: as many calls wait in it as keep its places busy, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.store.office import CLOUD, LIMITS, Office
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

QUEUED = replace(LIMITS, windows=(), queue=12, queue_ms=100)


async def answered(buffer: Buffer, office: Office, took_s: float) -> int:
    """Let rounds of calls take so long; say how many are let through at once then."""
    for _ in range(40):
        permits = await office.get(1)
        buffer.later(round(took_s * 1000))
        for permit in permits:
            permit.left_s, permit.ended_s = 0.0, took_s
        await office.back(permits)
    at_once = await office.get(99)
    use = await office.quotas.usage(CLOUD)
    assert use.in_flight == len(at_once) == use.places + use.queue
    await office.back(at_once, "unused")
    return len(at_once)


async def test_before_any_answer_all_of_it_is_used(buffer: Buffer) -> None:
    assert len(await Office(buffer, QUEUED).get(99)) == 5 + 12


async def test_as_many_wait_there_as_the_places_serve_in_that_time(buffer: Buffer) -> None:
    office = Office(buffer, QUEUED)
    assert await answered(buffer, office, 0.1) == 5 + 5
    assert await answered(buffer, office, 0.4) == 5 + 2, "who is urgent waits behind fewer"
    assert await answered(buffer, office, 2.0) == 5 + 1
    assert await answered(buffer, office, 0.01) == 5 + 12, "never more than the profile says"


@pytest.mark.parametrize("how", ["busy", "fail", "gone", "none"])
async def test_only_answers_say_how_long_the_erp_takes(buffer: Buffer, how: str) -> None:
    """What was refused at once says nothing of it."""
    limits = replace(QUEUED, breaker=replace(QUEUED.breaker, failures=10**6))
    office = Office(buffer, limits)
    assert await answered(buffer, office, 0.4) == 5 + 2
    for _ in range(5):
        (permit,) = await office.get(1)
        permit.left_s, permit.ended_s = 0.0, 0.001
        await office.back([permit], how)
        buffer.later(6000)
    assert len(await office.get(99)) == 5 + 2


async def test_without_a_queue_nothing_waits_there(buffer: Buffer) -> None:
    office = Office(buffer, replace(QUEUED, queue=0))
    assert await answered(buffer, office, 0.01) == 5
