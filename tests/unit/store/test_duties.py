"""Duties: of all processes that ask, one has each; who is silent loses it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.redis.duties import RedisDuties
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

FOR_MS = 5_000


async def test_one_of_many_has_a_duty_until_it_is_silent_for_too_long(buffer: Buffer) -> None:
    duties = RedisDuties(buffer.client)
    names = [f"gateway-{n}" for n in range(5)]
    on = await asyncio.gather(*(duties.is_on("pull-a", it, FOR_MS) for it in names))
    assert sum(on) == 1
    holder = names[on.index(True)]
    other = names[on.index(False)]
    assert await duties.is_on("pull-b", other, FOR_MS), "each duty is by itself"
    buffer.later(FOR_MS - 1)
    assert await duties.is_on("pull-a", holder, FOR_MS)
    buffer.later(FOR_MS - 1)
    assert not await duties.is_on("pull-a", other, FOR_MS)
    buffer.later(2)
    assert await duties.is_on("pull-a", other, FOR_MS)
    assert not await duties.is_on("pull-a", holder, FOR_MS)
