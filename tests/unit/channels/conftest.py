"""One marketplace and one ledger for all tests of a module: starting them takes long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.channels.amazon_bench import (
    Bench,
    a_bench,
)
from tests.unit.simulators.markets import RunningMarket, market


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    """One ledger for all: its calls run in threads, whatever loop asks."""
    file = tmp_path_factory.mktemp("pulls") / "ledger.sqlite3"
    opened = asyncio.run(open_ledger(f"sqlite:///{file}"))
    yield opened
    asyncio.run(opened.close())


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningMarket]:
    """One marketplace; every test looks at orders of its own."""
    with market() as there:
        yield there


@pytest.fixture
async def bench(
    shared: RunningMarket, ledger: SqlLedger, anyio_backend: str
) -> AsyncIterator[Bench]:
    shared.heal()
    shared.set(rate_scale=100_000.0, search_lag_s=0.0, pending_s=0.0, visibility_s=30.0)
    async with a_bench(shared, ledger) as made:
        await made.puller().look()  # what other tests left
        made.world.buffer.entries.clear()
        yield made
    shared.heal()
