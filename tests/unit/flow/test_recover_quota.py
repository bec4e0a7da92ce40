"""Quotas of a store that was restored from an older copy."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange import (
    Traffic,
)
from tests.unit.flow.restored import LEGACY, Place, place
from tests.valkey import entry

__all__ = ["place"]

pytestmark = pytest.mark.anyio


async def test_what_was_called_after_the_copy_counts_until_a_window_later(place: Place) -> None:
    """The copy's ledger of calls has room that was used since, by whoever."""
    one, other = entry("A-1"), entry("A-2")
    await place.buffer.intake.accept(one)
    await place.quotas.open(LEGACY, anew=False)
    await place.project()
    place.copy()
    await place.buffer.intake.accept(other)
    grant = await place.quotas.acquire(LEGACY, {Traffic.HIGH: 5})
    assert len(grant.permits) == 5
    await place.project()
    await place.restored()
    await place.lease(one)
    again = {Traffic.HIGH: 5}
    assert (await place.quotas.acquire(LEGACY, again, grant.permits)).permits == ()
    await place.recover_all()
    place.buffer.later(59_999)
    assert (await place.quotas.acquire(LEGACY, again)).permits == (), "and only once"
    place.buffer.later(3_001 + 60_000)
    assert len((await place.quotas.acquire(LEGACY, again)).permits) == 5


async def test_a_gateway_that_sees_it_first_lets_no_read_count_on_the_copy(place: Place) -> None:
    one, other = entry("A-1"), entry("A-2")
    await place.buffer.intake.accept(one)
    await place.quotas.open(LEGACY, anew=False)
    await place.project()
    place.copy()
    await place.buffer.intake.accept(other)
    assert len((await place.quotas.acquire(LEGACY, {Traffic.READ: 5})).permits) == 5
    await place.project()
    await place.restored()
    await place.guard.start()
    assert place.guard.behind
    assert (await place.quotas.acquire(LEGACY, {Traffic.READ: 5})).permits == ()


async def test_the_quotas_of_a_store_that_is_not_behind_are_left_alone(place: Place) -> None:
    one = entry("A-1")
    await place.buffer.intake.accept(one)
    await place.quotas.open(LEGACY, anew=False)
    await place.project()
    await place.lease(one)
    assert len((await place.quotas.acquire(LEGACY, {Traffic.HIGH: 5})).permits) == 5
