"""What is kept of pulling orders, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.canonical.exchange.pulling import Noticed, NoticedLine, Pull
from gateway.store.ledger import SqlLedger, open_ledger

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOLD = Noticed(
    "amazon",
    "403-1",
    NOW,
    "UNSHIPPED",
    "retailer",
    (NoticedLine("7", "TEE-BLK-M", 2, 0),),
    NOW,
    NOW,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ledger(new_ledger: Callable[[], str]) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(new_ledger())
    yield opened
    await opened.close()


async def test_how_far_a_channel_is_stays(ledger: SqlLedger) -> None:
    assert await ledger.pull("amazon") is None
    plans = {"getOrder": {"rate": 0.5, "burst": 30.0, "tokens": 29.5, "at": 1.25}}
    first = Pull("amazon", NOW, "token", NOW + MINUTE, None, plans, "away")
    await ledger.keep_pull(first)
    await ledger.keep_pull(Pull("other", NOW))
    assert await ledger.pull("amazon") == first
    later = replace(first, until=NOW + MINUTE, page="", page_until=None, polled_at=NOW, problem="")
    await ledger.keep_pull(later)
    assert await ledger.pull("amazon") == later
    assert await ledger.pull("other") == Pull("other", NOW)


async def test_of_two_notifications_of_an_order_the_newer_stays(ledger: SqlLedger) -> None:
    newer = replace(TOLD, changed_at=NOW + MINUTE, status="SHIPPED", tries=0)
    older = replace(TOLD, changed_at=NOW - MINUTE, status="PENDING")
    await ledger.notice([newer, replace(TOLD, order_ref="403-2", due_at=NOW - MINUTE)])
    await ledger.notice([older, TOLD])
    second, first = await ledger.noticed("amazon", 10)
    assert second.order_ref == "403-2", "the longest due is the first"
    assert first == newer
    assert await ledger.noticed("other", 10) == []
    assert len(await ledger.noticed("amazon", 1)) == 1


async def test_what_was_taken_is_forgotten_unless_newer_was_told(
    ledger: SqlLedger,
) -> None:
    await ledger.notice([TOLD])
    await ledger.settle_notice("amazon", "403-1", NOW - MINUTE)
    assert await ledger.noticed("amazon", 10) == [TOLD]
    await ledger.put_off(TOLD, NOW + MINUTE, "not yet")
    (later,) = await ledger.noticed("amazon", 10)
    assert (later.due_at, later.tries, later.problem) == (NOW + MINUTE, 1, "not yet")
    await ledger.notice([replace(TOLD, changed_at=NOW + MINUTE)])
    await ledger.put_off(TOLD, NOW + 9 * MINUTE, "of before")
    (newest,) = await ledger.noticed("amazon", 10)
    assert (newest.due_at, newest.problem) == (NOW, ""), "what is newer is due at once"
    await ledger.settle_notice("amazon", "403-1", NOW + MINUTE)
    assert await ledger.noticed("amazon", 10) == []
