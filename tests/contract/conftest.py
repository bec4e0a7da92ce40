"""What the conformance suites share: databases a ledger may live in, and the simulated ERPs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from gateway.canonical.exchange import Timing
from gateway.ports import Erp
from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.command_line import coexist
from tests.contract.erp_simulators import TIMING, Simulator, adapter_of
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


@pytest.fixture(scope="session", params=["legacy", "cloud"])
def simulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Simulator]:
    started = Simulator(request.param, tmp_path_factory.mktemp("simulator"))
    yield started
    started.stop()


@pytest.fixture
async def adapters(simulator: Simulator) -> AsyncIterator[Callable[..., Erp]]:
    """Make adapters for the simulator (or another ``url``) that are closed after the test."""
    made: list[Erp] = []

    def make(timing: Timing = TIMING, secret: str = "", url: str = "") -> Erp:
        made.append(adapter_of(simulator.system, url or simulator.url, timing, secret))
        return made[-1]

    yield make
    simulator.heal()
    for each in made:
        await each.close()


@pytest.fixture
def erp(adapters: Callable[..., Erp]) -> Erp:
    return adapters()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a new installation, which is the current one; its store is stopped after."""
    monkeypatch.chdir(tmp_path)
    coexist("init")
    yield tmp_path
    coexist("stop-store")
