"""Unhold: what a flip out of ``hold`` would let go, told before it does.

The sentence the code follows: *what waits is decided under the rules that are to come into force,
in the order it was accepted, and worked off at the pace of its ERP; the first whose deadline that
breaks is named.*
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.canonical.exchange import Buffered
from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.canonical.worth import amount_text
from gateway.flow.exceptions import Bench
from gateway.policy.drain import CALLS_FIRST, Drain, Pace, drains
from gateway.routing.compile import Compiled
from gateway.routing.facts import Facts

PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Let:
    """What of one process would go to one ERP; ``money`` is decimal text by currency."""

    process: str
    erp: str
    count: int
    money: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first transaction that would be late: its deadline passes before its turn comes."""

    transaction_id: str
    process: str
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Unheld:
    """What would be let go. ``late`` counts broken deadlines, ``stays`` what still waits after."""

    count: int
    lets: tuple[Let, ...]
    drains: tuple[Drain, ...]
    first_broken: Broken | None
    late: int
    stays: int


class Unholder:
    """Works out what would be let go; changes nothing."""

    def __init__(self, bench: Bench) -> None:
        self._at = bench

    async def preview(self, rules: Compiled) -> Unheld:
        """Say what ``rules`` would let go of what waits under a ``hold`` route now."""
        paces = await self._at.paces()
        ahead = await self._at.backlog()
        tally = _Tally(self._at.clock.now(), paces, ahead)
        targets: dict[str, str] = {}
        stays = 0
        async for one in self._parked():
            erp = _target(one, rules, targets)
            if erp:
                tally.add(one, erp)
            else:
                stays += 1
        return Unheld(
            count=sum(tally.counts.values()),
            lets=tally.lets(),
            drains=tuple(drains(tally.counts, ahead, paces, CALLS_FIRST)),
            first_broken=tally.first_broken,
            late=tally.late,
            stays=stays,
        )

    async def _parked(self) -> AsyncIterator[Buffered]:
        after = (0, "")
        while page := await self._at.casebook.parked(after, PAGE):
            for one in page:
                yield one
            after = page[-1].place


class _Tally:
    """Adds up in the order of acceptance."""

    def __init__(self, now: datetime, paces: Mapping[str, Pace], ahead: Mapping[str, int]) -> None:
        self.counts: Counter[str] = Counter()
        self.late = 0
        self.first_broken: Broken | None = None
        self._now_ms = int(now.timestamp() * 1000)
        self._paces = paces
        self._ahead = ahead
        self._kinds: Counter[tuple[str, str]] = Counter()
        self._parts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def add(self, one: Buffered, erp: str) -> None:
        self.counts[erp] += 1
        kind = (one.process, erp)
        self._kinds[kind] += 1
        if one.parts is not None:
            self._parts[kind][one.currency] += one.parts
        turn_s = None
        if erp in self._paces:
            ahead = self._ahead.get(erp, 0)
            turn_s = self._paces[erp].drain(erp, self.counts[erp], ahead, CALLS_FIRST).seconds
        if one.deadline_ms < self._now_ms + (turn_s or 0) * 1000:
            self.late += 1
            if self.first_broken is None or one.deadline_ms < self.first_broken.deadline_ms:
                self.first_broken = Broken(one.transaction_id, one.process, one.deadline_ms)

    def lets(self) -> tuple[Let, ...]:
        return tuple(
            Let(process, erp, count, {
                currency: amount_text(parts, currency)
                for currency, parts in sorted(self._parts[process, erp].items())
            })
            for (process, erp), count in sorted(self._kinds.items())
        )  # fmt: skip


def _target(one: Buffered, rules: Compiled, targets: dict[str, str]) -> str:
    """Return where it would go, "" if nowhere yet; a follow-up goes where its object does."""
    decision = rules.decide(Facts(**one.facts))
    if decision.target is Target.HOLD:
        return ""
    process = PROCESSES.get(one.process)
    if process is not None and process.kind is Kind.FOLLOW_UP:
        return one.owner or targets.get(one.object_key, "")
    erp = one.owner or (decision.target.value if decision.target else "")
    targets[one.object_key] = erp
    return erp
