"""What is kept of pulling orders, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.canonical.exchange.pulling import Noticed, NoticedLine, Pull
from gateway.canonical.exchange.reports import Report
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


async def test_a_report_is_due_until_something_was_taken_from_it(ledger: SqlLedger) -> None:
    old = Report("amazon", "1", "doc-1", NOW - MINUTE, NOW)
    new = Report("amazon", "2", "doc-2", NOW, NOW)
    await ledger.found_reports([new, old, Report("other", "1", "doc-9", NOW, NOW)])
    long_ago = NOW - 100 * MINUTE
    assert await ledger.due_reports("amazon", NOW, long_ago, 10) == [old, new]
    assert await ledger.due_reports("amazon", NOW - MINUTE, long_ago, 10) == []
    assert await ledger.due_reports("amazon", NOW, old.made_at, 10) == [new]
    refused = replace(old, due_at=NOW + MINUTE, tries=1, problem="cut short")
    await ledger.keep_report(refused)
    await ledger.found_reports([old, new])
    assert await ledger.due_reports("amazon", NOW, long_ago, 10) == [new], "found before: as it is"
    taken = replace(old, settlement_id="42")
    await ledger.keep_report(taken)
    await ledger.keep_report(refused)  # by somebody slower
    assert taken in await ledger.reports(10)
    assert await ledger.due_reports("amazon", NOW + MINUTE, long_ago, 10) == [new]
    assert {it.made_at for it in await ledger.reports(2)} == {NOW}, "the newest first"
