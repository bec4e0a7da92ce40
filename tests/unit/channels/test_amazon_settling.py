"""Settlement reports are fetched from the simulated marketplace: each once, whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.callers.amazon.api import Account as Access
from gateway.callers.amazon.login import Credentials
from gateway.callers.amazon.reports import AmazonReports
from gateway.canonical.exchange.pulling import Pull
from gateway.channels.amazon.settlement import PROVIDER
from gateway.channels.amazon.settling import Account, SettlementFetcher, key_of
from gateway.clock import Clock, SystemClock
from gateway.errors import MarketUnavailable
from gateway.flow.audit import Auditor
from gateway.store.ledger import SqlLedger
from tests.unit.channels.amazon_bench import LONG_AGO, Bench, a_bench
from tests.unit.simulators.markets import RunningMarket, market

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningMarket]:
    """A marketplace whose settlements no other test of this folder looks at."""
    with market() as there:
        yield there


@pytest.fixture
async def bench(
    shared: RunningMarket, ledger: SqlLedger, anyio_backend: str
) -> AsyncIterator[Bench]:
    """One channel for all tests: another one would find the same settlements taken."""
    shared.heal()
    async with a_bench(shared, ledger) as made:
        made.channel = "amazon-settling"
        await fetcher(made).look()  # what other tests left
        yield made
    shared.heal()


class Later(SystemClock):
    """A clock that is ahead."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


def fetcher(
    bench: Bench, *, poll_s: float = 0.0, clock: Clock | None = None, since: datetime = LONG_AGO
) -> SettlementFetcher:
    it, clock = bench.there.options, clock or bench.clock
    access = Access(
        key_of(bench.channel), bench.there.url, f"{bench.there.url}/auth/o2/token",
        Credentials(it.client_id, it.client_secret, it.refresh_token), (it.marketplace,), (),
    )  # fmt: skip
    reports = AmazonReports(access, bench.channel, bench.client, bench.ledger, SystemClock())
    account = Account(bench.channel, since, poll_s)
    kept = (bench.ledger, bench.ledger, bench.ledger)
    return SettlementFetcher(account, reports, kept, Auditor(bench.ledger), bench.seen, clock)


def settle(there: RunningMarket) -> dict[str, Any]:
    """Let something be sold, sent and paid out; return what the marketplace's books say of it."""
    there.act(there.place()["id"], "ship")
    there.settle()
    return there.books("settlement")[-1]


async def mine(bench: Bench) -> dict[str, str]:
    """What was taken from this channel's reports: settlement -> total."""
    found = await bench.ledger.settlements(1000)
    return {it.head.settlement_id: f"{it.head.total:.2f}" for it in found
            if it.channel == bench.channel}  # fmt: skip


async def rows(bench: Bench, settlement_id: str) -> int:
    return len(await bench.ledger.settlement_rows(PROVIDER, settlement_id, 0, 100_000))


async def test_every_settlement_is_taken_once_and_the_reserve_goes_on(bench: Bench) -> None:
    booked = [settle(bench.there) for _ in range(3)]
    assert await fetcher(bench).look() == 3
    assert (await mine(bench)).items() >= {
        it["settlement_id"]: it["total"] for it in booked
    }.items()
    for it in booked:
        assert await rows(bench, it["settlement_id"]) == it["rows"]
    assert [it["previous_reserve"] for it in booked[1:]] == [it["reserve"] for it in booked[:-1]]
    served = bench.there.counters()["requests"]
    assert await fetcher(bench).look() == 0
    assert bench.there.counters()["requests"] == served + 2, "a token and a list, no document"
    deeds = [it async for it in Auditor(bench.ledger).rows()]
    assert {(it.by, it.via) for it in deeds} == {("coexist", "gateway")}


@pytest.mark.parametrize("mode", ["text", "packed"])
async def test_a_file_cut_short_is_refused_whole_and_fetched_again(bench: Bench, mode: str) -> None:
    booked = settle(bench.there)
    bench.there.fault("truncated_file", mode=mode, count=1)
    whole = settle(bench.there)
    assert await fetcher(bench).look() == 1, "one that is refused stops no other"
    assert whole["settlement_id"] in await mine(bench)
    assert booked["settlement_id"] not in await mine(bench)
    assert await rows(bench, booked["settlement_id"]) == 0
    (said,) = [it for it in await bench.ledger.reports(100)
               if it.channel == bench.channel and not it.settlement_id]  # fmt: skip
    assert said.tries == 1
    assert "cut short" in said.problem or "cannot be unpacked" in said.problem
    assert await fetcher(bench).look() == 0, "not at once"
    assert await fetcher(bench, clock=Later(timedelta(minutes=2))).look() == 1
    assert await rows(bench, booked["settlement_id"]) == booked["rows"]


async def test_two_that_fetch_at_once_and_a_crash_in_between_take_each_once(bench: Bench) -> None:
    booked = [settle(bench.there) for _ in range(2)]
    both = await asyncio.gather(fetcher(bench).look(), fetcher(bench).look())
    assert sum(both) == 2
    (report, *_) = await bench.ledger.reports(1)
    # A process died behind the settlement, before what became of its report was written down.
    again = replace(report, report_id="died", settlement_id="", channel=bench.channel)
    await bench.ledger.found_reports([again])
    assert await fetcher(bench).look() == 0
    assert {it["settlement_id"] for it in booked} <= (await mine(bench)).keys()
    newest = await bench.ledger.reports(3)
    assert all(it.settlement_id for it in newest)


async def test_the_published_rates_are_kept_and_a_new_list_waits_for_its_time(
    ledger: SqlLedger,
) -> None:
    with market(rate_scale=1.0, seed=2) as there:
        for _ in range(18):
            there.settle()
        async with a_bench(there, ledger) as bench:
            for _ in range(6):
                await fetcher(bench, poll_s=3600.0).look()
            assert there.counters()["throttled_429"] == 0
            assert len(await mine(bench)) == 15, "the burst of getReportDocument"
            assert "getReportDocument: the rate allows the next" in bench.seen.troubles[0]
            kept = await ledger.pull(key_of(bench.channel))
            assert kept is not None
            assert kept.plans["getReports"]["tokens"] > 8, "listed once"
            assert "the rate allows" in kept.problem


async def test_what_was_made_before_the_account_began_is_not_fetched(bench: Bench) -> None:
    settle(bench.there)
    assert await fetcher(bench, since=datetime.now(UTC) + timedelta(hours=1)).look() == 0
    assert await fetcher(bench).look() == 1


async def test_an_outage_is_said_and_gone_when_it_is_over(bench: Bench) -> None:
    bench.there.fault("outage", mode="503")
    there = fetcher(bench)
    assert await there.look() == 0
    assert isinstance(found := await bench.ledger.pull(there.channel), Pull)
    assert found.problem
    assert bench.seen.troubles
    bench.there.heal()
    settle(bench.there)
    assert await there.look()
    assert isinstance(found := await bench.ledger.pull(there.channel), Pull)
    assert found.problem == ""


async def test_reports_come_in_pages(bench: Bench) -> None:
    for _ in range(3):
        bench.there.settle()
    reports = fetcher(bench)._reports
    assert isinstance(reports, AmazonReports)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.callers.amazon.reports.PAGE", 2)
        found = await reports.settlements(LONG_AGO)
    made = len(bench.there.books("settlement"))
    assert len({it.report_id for it in found}) == len(found) == made
    with pytest.raises(MarketUnavailable, match="404 NotFound"):
        async with reports.document("no such document"):
            raise AssertionError
