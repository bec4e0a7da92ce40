"""A batch at the quota: one place, and as many units of each window as it has operations."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange import Traffic
from tests.unit.store.office import CLOUD, Office
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

NORMAL = Traffic.NORMAL


async def test_a_batch_takes_a_place_and_as_many_units_as_it_has_operations(
    buffer: Buffer,
) -> None:
    office = Office(buffer)
    await office.quotas.open(CLOUD, anew=False)
    grant = await office.quotas.acquire(CLOUD, {NORMAL: 3}, units=4)
    assert len(grant.permits) == 2, "eight a second, four each"
    use = await office.quotas.usage(CLOUD)
    assert (use.in_flight, use.in_window) == (2, 8)
    for permit in grant.permits:
        permit.left_s = 0.001  # which says nothing of when its last operation was counted
    buffer.later(600)
    await office.back(list(grant.permits))
    buffer.later(999)
    assert await office.wait() == 1
    buffer.later(1)
    assert len(await office.get(9)) == 5


async def test_a_batch_in_line_is_not_starved_by_single_calls(buffer: Buffer) -> None:
    batches, singles = Office(buffer), Office(buffer, who="b")
    held = await singles.get(5)
    grant = await batches.quotas.acquire(CLOUD, {NORMAL: 1}, units=6)
    assert grant.permits == ()
    await singles.back(held[:3], "unused")
    assert await singles.get(3) == [], "what is free is for whoever came first"
    await singles.quotas.acquire(CLOUD, {})
    assert len((await batches.quotas.acquire(CLOUD, {NORMAL: 1}, units=6)).permits) == 1
