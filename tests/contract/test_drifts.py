"""What channels sent that nobody announced, on SQLite and PostgreSQL, and ``coexist drift``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.canonical.exchange import drifting
from gateway.canonical.exchange.drifting import Drift, KeptPayload, NotKept, Surprise, Whole
from gateway.canonical.staff import Role, Staff
from gateway.clock import SystemClock
from gateway.errors import Forbidden, LedgerUnavailable, NotFound
from gateway.flow.audit import Auditor
from gateway.flow.decisions import DecisionKeeper
from gateway.flow.surprising import payloads_of
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
    await tally.flush(ledger, NOW, 9)
    kept = {it.path: (it.count, it.example) for it in await ledger.drifts("many", 99)}
    assert kept == {"g0": (2, "0 in order 0"), "g1": (2, "1 in order 1"), "…": (5, "2 in order 2")}


@anyio
async def test_names_that_no_database_takes_are_kept_with_a_mark(ledger: SqlLedger) -> None:
    """JSON may name a field anything; one that is refused would hold up all that comes after."""
    odd = "a\x00b\ud800"
    tally = tallies.DriftTally()
    tally.note("odd", "order", Surprise(f"field:{odd}", f"{odd} in order {odd}"))
    tally.keep("odd", "order", [Whole(odd, (f"field:{odd}",), odd)])
    await tally.flush(ledger, NOW, 9)
    (kept,) = await ledger.drifts("odd", 9)
    assert (kept.path, kept.example) == ("a\ufffdb?", "a\ufffdb? in order a\ufffdb?")
    (payload,) = await ledger.payloads(kept.reference, "odd")
    assert payload.text == odd


class Away:
    """A ledger that does not answer."""

    async def keep_drifts(self, found: object) -> None:
        raise LedgerUnavailable("away", retry_after_s=1)

    async def keep_payloads(self, *asked: object) -> frozenset[str]:
        raise LedgerUnavailable("away", retry_after_s=1)

    async def drifts(self, channel: str, count: int) -> list[Drift]:
        raise AssertionError("not asked")

    async def payloads(self, reference: str, channel: str) -> list[KeptPayload]:
        raise AssertionError("not asked")

    async def not_kept(self) -> list[NotKept]:
        raise AssertionError("not asked")

    async def forget_payloads(self, before: datetime) -> int:
        raise AssertionError("not asked")


@anyio
async def test_what_an_observer_was_told_waits_for_the_ledger(ledger: SqlLedger) -> None:
    observer = ProcessObserver(lambda: 0.0)
    observer.drifted("shop", "order", Surprise("value:financial_status=on=moon"))
    with pytest.raises(LedgerUnavailable):
        await observer.drifts.flush(Away(), NOW, 9)
    observer.drifted("shop", "order", Surprise("value:financial_status=on=moon"))
    observer.drifted("shop", "order", Surprise("null:currency"))
    observer.surprised("shop", "order", [whole(1), whole(2)])
    with pytest.raises(LedgerUnavailable):
        await observer.drifts.flush(Away(), NOW, 9)
    for _ in range(2):
        await observer.drifts.flush(ledger, NOW, 9)
    found = [(it.kind, it.path, it.value, it.count) for it in await ledger.drifts("shop", 9)]
    assert found == [("null", "currency", "", 1), ("value", "financial_status", "on=moon", 2)]
    assert [it.text for it in await ledger.payloads("2", "")] == ["text 2"]
    assert await ledger.not_kept() == []


def whole(number: int, found: str = "field:loyalty_tier") -> Whole:
    return Whole(str(number), (found,), f"text {number}")


def payload(number: int, at: datetime = NOW, channel: str = "shop") -> KeptPayload:
    return KeptPayload(channel, "order", str(number), at, *whole(number)[1:])


@anyio
async def test_payloads_are_kept_whole_once_and_named_where_they_are_counted(
    ledger: SqlLedger, url: str
) -> None:
    odd = replace(payload(1), text="\x00\ud800 \u2022", found=("value:status=on=moon",))
    await ledger.keep_drifts([TIER, replace(TIER, kind="value", path="status", value="on=moon")])
    assert not await ledger.keep_payloads([odd, payload(2)], {}, NOW, 9)
    other = await open_ledger(url)
    await asyncio.gather(
        *(it.keep_payloads([payload(2), payload(3), odd], {}, NOW, 9) for it in (ledger, other) * 3)
    )
    await other.close()
    assert await ledger.payloads("1", "") == [odd]
    assert await ledger.payloads("2", "shop") == [payload(2)], "a lost answer keeps nothing twice"
    assert await ledger.payloads("2", "other") == []
    assert {it.kind: it.reference for it in await ledger.drifts("shop", 9)} == {
        "field": "3", "value": "1",
    }  # fmt: skip
    assert await ledger.not_kept() == []


@anyio
async def test_so_many_a_day_are_kept_and_the_rest_counted(ledger: SqlLedger, url: str) -> None:
    other = await open_ledger(url)
    lots = [[payload(n) for n in range(at, at + 10)] for at in (0, 10)]
    full = await asyncio.gather(
        *(
            it.keep_payloads(lot, {"shop": 1}, NOW, 12)
            for it, lot in zip((ledger, other), lots, strict=True)
        )
    )
    await other.close()
    assert sorted(map(len, full)) == [0, 1]
    kept = [n for n in range(20) if await ledger.payloads(str(n), "shop")]
    assert len(kept) == 12
    assert await ledger.not_kept() == [NotKept("shop", NOW.date(), 10)]
    tally = tallies.DriftTally()
    for _ in range(2):
        tally.keep("shop", "order", [whole(99)])
        tally.keep("pos", "poslog", [whole(98)], left_out=4)
        await tally.flush(ledger, NOW, 12)
    tomorrow = NOW + 24 * HOUR
    await tally.flush(ledger, tomorrow, 12)
    tally.keep("shop", "order", [whole(99)])
    await tally.flush(ledger, tomorrow, 12)
    assert [it.at for it in await ledger.payloads("99", "")] == [tomorrow], "a new day has room"
    assert await ledger.not_kept() == [
        NotKept("pos", NOW.date(), 8), NotKept("shop", NOW.date(), 12),
    ]  # fmt: skip


def test_a_process_holds_so_many_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drifting, "HELD_MAX", 2)
    wholes, written = drifting.Wholes(), list[int]()

    def text(number: int) -> str:
        written.append(number)
        return f"text {number}"

    for n in range(5):
        wholes.add("", ("field:a", "field:a"), partial(text, n))
    assert wholes.held == [Whole("unnamed", ("field:a",), f"text {n}") for n in (0, 1)]
    assert (wholes.left_out, written) == (3, [0, 1]), "what is not held is not written either"


@anyio
async def test_only_some_may_see_customers_data_and_it_is_written_down(ledger: SqlLedger) -> None:
    viewer, lead = (Staff(it, frozenset({it}), "cli") for it in (Role.VIEWER, Role.LEAD))
    named = replace(payload(1), text='{"name": "Pat Doe"}')
    await ledger.keep_payloads([named], {}, NOW, 9)
    auditor, asked = Auditor(ledger), ("1", "shop")
    (seen,) = await payloads_of(ledger, auditor, viewer, asked)
    assert seen == replace(named, text='{"name": "•••"}')
    with pytest.raises(Forbidden, match=r"may not do exceptions\.unmask"):
        await payloads_of(ledger, auditor, viewer, asked, unmask=True)
    assert [it async for it in auditor.rows()] == []
    assert await payloads_of(ledger, auditor, lead, asked, unmask=True, reason="why") == [named]
    (row,) = [it async for it in auditor.rows()]
    assert (row.subject, row.reason) == ("drift 1", "why")


@anyio
async def test_payloads_are_forgotten_with_decisions(ledger: SqlLedger) -> None:
    clock = SystemClock()
    now = clock.now()
    await ledger.keep_drifts([TIER, replace(TIER, path="moon")])
    fresh = replace(payload(7, now), found=("field:moon",))
    await ledger.keep_payloads([fresh], {}, now, 9)
    for ago in range(5):
        at = now - ago * 24 * HOUR - HOUR
        await ledger.keep_payloads([payload(ago, at)], {"shop": 1}, at, 9)
    await DecisionKeeper(ledger, ledger, ledger, clock, keep_days=9, payload_days=3).tidy()
    assert [n for n in range(5) if await ledger.payloads(str(n), "")] == [0, 1, 2]
    assert len(await ledger.not_kept()) in {3, 4}, "days are those of UTC"
    counted = {it.path: it for it in await ledger.drifts("shop", 9)}
    assert counted["loyalty_tier"] == TIER, "counted on; one that was forgotten is not named"
    assert counted["moon"].reference == "7"


def test_the_command_lists_what_came(home: Path) -> None:
    del home
    assert "nothing unannounced came from any channel" in coexist("drift")
    assert json.loads(coexist("drift", "--json")) == []

    async def leave() -> None:
        ledger = await open_ledger(load().ledger)
        word = replace(TIER, channel="webshop", kind="value", path="state", value="moon", count=1)
        await ledger.keep_drifts([replace(TIER, example='"gold" in 77'), word])
        gold = '{"loyalty_tier": "gold", "customer": {"name": "Pat Doe", "tags": [1, null]}}'
        till = "<T Of='a \"b\"'><Name>Pat Doe</Name><Moon/></T>"
        await ledger.keep_payloads(
            [replace(payload(77), text=gold), replace(payload(77, channel="pos"), text=till)],
            {"shop": 5}, NOW, 9,
        )  # fmt: skip
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
    assert "  whole: coexist drift show 77" in said
    assert "shop: 5 payloads of 2026-11-26 (UTC) were not kept: " in said
    listed = {it["channel"]: it for it in json.loads(coexist("drift", "--json"))}
    assert (listed["shop"]["reference"], listed["shop"]["payloads_not_kept"]) == ("77", 5)
    assert listed["webshop"]["payloads_not_kept"] == 0
    shows_masked_unless_somebody_who_may_asks()


def shows_masked_unless_somebody_who_may_asks() -> None:
    with pytest.raises(NotFound, match="no payload of '78' is kept; `coexist drift` names"):
        coexist("drift", "show", "78")
    shown = coexist("drift", "show", "77")
    assert "shop order 77  2026-11-26 12:00:00 UTC\n  field:loyalty_tier\n{" in shown
    assert '{"loyalty_tier": "•••", "customer": {"name": "•••", "tags": ["•••", null]}}' in shown
    assert '<T Of="•••"><Name>•••</Name><Moon/></T>' in shown
    assert "Pat" not in shown
    asked = ("drift", "show", "77", "--channel", "shop", "--json")
    (one,) = json.loads(coexist(*asked))
    assert (one["found"], "Pat" in one["text"]) == (["field:loyalty_tier"], False)
    (one,) = json.loads(coexist(*asked, "--unmask", "--reason", "a call"))
    assert json.loads(one["text"])["customer"]["name"] == "Pat Doe"
    assert "drift 77" in coexist("audit", "list")
