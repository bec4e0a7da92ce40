"""What the conformance suites share: the databases a ledger may live in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.postgres import Postgres
from tests.valkey import buffer, valkey_url

__all__ = ["buffer", "ledger", "new_ledger", "postgres", "valkey_url"]

NewLedger = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this test session."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> NewLedger:
    """Make empty places of one kind; each call returns the URL of a new one."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.place
    numbers = count(1)
    return lambda: f"sqlite:///{tmp_path}/ledger-{next(numbers)}.sqlite"


@pytest.fixture
async def ledger(new_ledger: NewLedger) -> AsyncIterator[SqlLedger]:
    """An open ledger of each kind."""
    opened = await open_ledger(new_ledger())
    yield opened
    await opened.close()
