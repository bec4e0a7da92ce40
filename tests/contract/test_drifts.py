"""What channels sent that nobody announced, on SQLite and PostgreSQL, and ``coexist drift``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.canonical.exchange.drifting import Drift, Surprise
from gateway.errors import LedgerUnavailable, NotFound
from gateway.observe import drifts as tallies
from gateway.observe.observer import ProcessObserver
from gateway.settings import load
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.ledger import drifts as tables
from tests.contract.command_line import coexist

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIER = Drift("shop", "order", "field", "loyalty_tier", "", 3, NOW, NOW)

anyio = pytest.mark.anyio


@pytest.fixture
async def url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(url)
    yield opened
    await opened.close()


@anyio
async def test_counts_add_up_and_the_first_and_last_stay_so(ledger: SqlLedger) -> None:
    assert await ledger.drifts("", 9) == []
    later = replace(TIER, count=2, first_at=NOW + HOUR, last_at=NOW + HOUR)
    earlier = replace(TIER, count=1, first_at=NOW - HOUR, last_at=NOW - HOUR)
    word = Drift("amazon", "notification", "value", "OrderStatus", "Deferred", 1, NOW, NOW)
    first, later = replace(TIER, example="1 in A"), replace(later, example="2 in B")
    for found in ([TIER, word], [first], [later], [earlier]):
        await ledger.keep_drifts(found)
    summed = replace(TIER, count=9, first_at=NOW - HOUR, last_at=NOW + HOUR, example="1 in A")
    assert await ledger.drifts("", 9) == [summed, word], "what came last is the first"
    assert await ledger.drifts("amazon", 9) == [word]
    assert await ledger.drifts("", 1) == [summed]


@anyio
async def test_gateways_add_to_the_same_and_a_restart_keeps_it(ledger: SqlLedger, url: str) -> None:
    other = await open_ledger(url)
    paths = [replace(TIER, path=f"f{n}", count=1) for n in range(12)]
    await asyncio.gather(
        *(it.keep_drifts(paths[::way]) for it in (ledger, other) for way in (1, -1) * 3)
    )
    await other.close()
    again = await open_ledger(url)
    assert {(it.path, it.count) for it in await again.drifts("shop", 99)} == {
        (f"f{n}", 12) for n in range(12)
    }
    await again.close()


@anyio
async def test_a_sender_that_makes_up_names_fills_nothing(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "APART_MAX", 3)
    made_up = [replace(TIER, path=f"f{n}", count=1) for n in range(9)]
    await ledger.keep_drifts(made_up)
    await ledger.keep_drifts([*made_up, replace(TIER, channel="other", path="x")])
    found = {(it.channel, it.path): it.count for it in await ledger.drifts("", 99)}
    assert found == {
        ("shop", "f0"): 2, ("shop", "f1"): 2, ("shop", "f2"): 2, ("shop", "…"): 12,
        ("other", "x"): 3,
    }  # fmt: skip
    monkeypatch.setattr(tallies, "APART_MAX", 2)
    tally = tallies.DriftTally()
    for n in range(9):
        tally.note("many", "order", Surprise(f"field:g{n % 5}", f"{n} in order {n}"))
    await tally.flush(ledger, NOW)
    kept = {it.path: (it.count, it.example) for it in await ledger.drifts("many", 99)}
    assert kept == {"g0": (2, "0 in order 0"), "g1": (2, "1 in order 1"), "…": (5, "2 in order 2")}


class Away:
    """A ledger that does not answer."""

    async def keep_drifts(self, found: object) -> None:
        raise LedgerUnavailable("away", retry_after_s=1)

    async def drifts(self, channel: str, count: int) -> list[Drift]:
        raise AssertionError("not asked")


@anyio
async def test_what_an_observer_was_told_waits_for_the_ledger(ledger: SqlLedger) -> None:
    observer = ProcessObserver(lambda: 0.0)
    observer.drifted("shop", "order", Surprise("value:financial_status=on=moon"))
    with pytest.raises(LedgerUnavailable):
        await observer.drifts.flush(Away(), NOW)
    observer.drifted("shop", "order", Surprise("value:financial_status=on=moon"))
    observer.drifted("shop", "order", Surprise("null:currency"))
    for _ in range(2):
        await observer.drifts.flush(ledger, NOW)
    found = [(it.kind, it.path, it.value, it.count) for it in await ledger.drifts("shop", 9)]
    assert found == [("null", "currency", "", 1), ("value", "financial_status", "on=moon", 2)]


def test_the_command_lists_what_came(home: Path) -> None:
    del home
    assert "nothing unannounced came from any channel" in coexist("drift")
    assert json.loads(coexist("drift", "--json")) == []

    async def leave() -> None:
        ledger = await open_ledger(load().ledger)
        word = replace(TIER, channel="webshop", kind="value", path="state", value="moon", count=1)
        await ledger.keep_drifts([replace(TIER, example='"gold" in 77'), word])
        await ledger.close()

    asyncio.run(leave())
    said = coexist("drift")
    assert "loyalty_tier" in said
    assert "3 x  2026-11-26 12:00 to 2026-11-26 12:00 UTC" in said
    assert '  first "gold" in 77' in said
    assert "state = 'moon'" in coexist("drift", "--channel", "webshop")
    (listed,) = json.loads(coexist("drift", "--channel", "webshop", "--json"))
    assert (listed["payload"], listed["path"], listed["value"]) == ("order", "state", "moon")
    with pytest.raises(NotFound, match="no channel 'nope' is configured; there are: "):
        coexist("drift", "--channel", "nope")
