"""One wall time for all processes: a machine whose clock is wrong decides nothing by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.store.redis.clock import ANSWER_S_MAX, StoreClock
from tests.unit.flow.doubles import StillClock
from tests.valkey import NOW_MS, Buffer

pytestmark = pytest.mark.anyio

STORE_NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
TEN_MINUTES = timedelta(minutes=10)


class Wrong(StillClock):
    """A clock whose wall time can be set at will; its monotonic time goes on as it should."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.wall = now

    def now(self) -> datetime:
        return self.wall


@pytest.mark.parametrize("off", [TEN_MINUTES, -TEN_MINUTES])
async def test_the_time_is_the_store_s_whatever_the_machine_believes(
    buffer: Buffer, off: timedelta
) -> None:
    local = Wrong(STORE_NOW + off)
    clock = StoreClock(local, buffer.client)
    assert clock.now() == STORE_NOW + off, "nobody asked the store yet"
    assert await clock.sync()
    assert clock.now() == STORE_NOW
    local.wall -= 2 * off
    assert clock.now() == STORE_NOW
    local.passed_s += 90
    assert clock.now() == STORE_NOW + timedelta(seconds=90)
    assert clock.monotonic_s() == local.monotonic_s()


async def test_an_answer_that_took_long_is_used_only_if_there_is_no_better(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Wrong(STORE_NOW + TEN_MINUTES)
    clock = StoreClock(local, buffer.client)
    real = buffer.client.server_ms

    async def slow() -> int:
        local.passed_s += ANSWER_S_MAX * 2
        return await real()

    monkeypatch.setattr(buffer.client, "server_ms", slow)
    assert await clock.sync()
    assert abs(clock.now() - STORE_NOW) <= timedelta(seconds=ANSWER_S_MAX)
    before = clock.now()
    buffer.later(3_600_000)
    assert not await clock.sync()
    assert clock.now() - before == timedelta(seconds=ANSWER_S_MAX * 2), "it only counted on"
