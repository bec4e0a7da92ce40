"""The story's tests run against a real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.governed import Governed
from tests.unit.flow.staffroom import Staffroom
from tests.valkey import Buffer, buffer, valkey_url

__all__ = ["buffer", "governed", "strict", "valkey_url"]


@pytest.fixture
async def governed(buffer: Buffer, tmp_path: Path) -> AsyncIterator[Governed]:
    """An installation where whoever may change rules does."""
    await buffer.client.command("FLUSHALL")
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield Governed(buffer, ledger)
    await ledger.close()


@pytest.fixture
async def strict(buffer: Buffer, tmp_path: Path) -> AsyncIterator[Governed]:
    """One where somebody else has to approve."""
    await buffer.client.command("FLUSHALL")
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield Governed(buffer, ledger, required=True)
    await ledger.close()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    """An empty ledger."""
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
def room(buffer: Buffer, ledger: SqlLedger) -> Staffroom:
    """Staff, one worker, one ERP."""
    return Staffroom(buffer, ledger, ScriptedErp())
