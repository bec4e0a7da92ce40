"""Fetches a seller's settlement reports into the ledger: each once, whole or not at all.

The sentence the code follows: *all reports that Amazon keeps are listed now and then, and those
nobody has seen are written down; each is fetched, read and kept as a file that finance brings is;
one that is refused is fetched again later, and stops no other.* Amazon keeps a report for ninety
days, so nothing is missed that was away for less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.canonical.exchange.pulling import NO_INSTANT, Pull, is_due
from gateway.canonical.exchange.reports import Report
from gateway.canonical.exchange.settlements import KeptSettlement
from gateway.canonical.staff import Role, Staff
from gateway.channels.amazon.settlement import SettlementFile
from gateway.clock import Clock
from gateway.errors import FileRefused, IdempotencyClash, MarketUnavailable
from gateway.flow.audit import Auditor
from gateway.flow.settlements import take_settlement
from gateway.ports.marketplaces import PullObserver, Pulls
from gateway.ports.reports import Reports, ReportShelf
from gateway.ports.settlements import Settlements

GATEWAY: Final = Staff("coexist", frozenset({Role.OPERATOR}), "gateway")
#: Documents fetched in one round: a call a minute is sustained.
FETCHED_AT_ONCE: Final = 5
#: How far back reports are listed; asking for more is an error.
KEPT: Final = timedelta(days=89)
#: Until a refused one is fetched again: what was cut off on the way is whole soon, what is wrong at
#: Amazon costs a call a day for as long as it is kept there.
_AGAIN_S: Final = (60.0, 600.0, 3600.0, 86_400.0)
_PROBLEM_CHARS_MAX: Final = 500


def key_of(channel: str) -> str:
    """Name what is kept of a channel's reports, beside what is kept of its orders."""
    return f"{channel}/settlements"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose reports are fetched: made since then, listed every ``poll_s`` seconds."""

    channel: str
    since: datetime
    poll_s: float


class SettlementFetcher:
    """Fetches one channel's. One process does it at a time; if two do, no harm is done."""

    def __init__(
        self,
        account: Account,
        reports: Reports,
        kept: tuple[Pulls, ReportShelf, Settlements],
        auditor: Auditor,
        observer: PullObserver,
        clock: Clock,
    ) -> None:
        self.channel = key_of(account.channel)
        self._account = account
        self._reports = reports
        self._pulls, self._shelf, self._settlements = kept
        self._auditor = auditor
        self._observer = observer
        self._clock = clock

    async def look(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Do one round; return how many settlements were taken."""
        taken, problem = 0, ""
        try:
            if go_on():
                await self._list()
            for report in await self._due():
                if not go_on():
                    break
                taken += await self._fetch(report)
        except MarketUnavailable as error:
            problem = error.detail
        await self._say(problem)
        return taken

    async def _list(self) -> None:
        pull, now = await self._pull(), self._clock.now()
        if not is_due(pull, self._account.poll_s, now):
            return
        found = await self._reports.settlements(max(self._account.since, now - KEPT))
        await self._shelf.found_reports(found)
        pull = await self._pull()  # again: the call has changed it
        await self._pulls.keep_pull(replace(pull, until=now, polled_at=now))

    async def _due(self) -> Sequence[Report]:
        now = self._clock.now()
        return await self._shelf.due_reports(
            self._account.channel, now, now - KEPT, FETCHED_AT_ONCE
        )

    async def _fetch(self, report: Report) -> bool:
        try:
            kept = await self._take(report)
        except (FileRefused, IdempotencyClash) as error:
            self._observer.trouble(f"settlement report {report.report_id}", error)
            wait_s = _AGAIN_S[min(report.tries, len(_AGAIN_S) - 1)]
            due_at = self._clock.now() + timedelta(seconds=wait_s)
            said = error.detail[:_PROBLEM_CHARS_MAX]
            await self._shelf.keep_report(
                replace(report, due_at=due_at, tries=report.tries + 1, problem=said)
            )
            return False
        found = replace(report, settlement_id=kept.head.settlement_id, problem="")
        await self._shelf.keep_report(found)
        return kept.fresh

    async def _take(self, report: Report) -> KeptSettlement:
        async with self._reports.document(report.document_id) as it:
            name = f"report {report.report_id}"
            reading = SettlementFile(it.file, encoding=it.encoding)
            kept = await take_settlement(
                reading,
                channel=self._account.channel,
                file=name,
                staff=GATEWAY,
                settlements=self._settlements,
                auditor=self._auditor,
            )
            if kept.fresh:
                channel, odd = self._account.channel, reading.wholes
                for surprise in reading.surprises(name):
                    self._observer.drifted(channel, "settlement", surprise)
                self._observer.surprised(channel, "settlement", odd.held, odd.left_out)
            return kept

    async def _pull(self) -> Pull:
        return await self._pulls.pull(self.channel) or Pull(self.channel, NO_INSTANT)

    async def _say(self, problem: str) -> None:
        pull = await self._pull()
        if pull.problem != problem:
            await self._pulls.keep_pull(replace(pull, problem=problem))
            if problem:
                self._observer.trouble(f"pull {self.channel}", MarketUnavailable(problem))
