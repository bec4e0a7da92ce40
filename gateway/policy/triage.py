"""Triage of what is held: who looks after it, what to do about it, and what belongs together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.canonical.exchange import Tally
from gateway.canonical.lifecycle import State
from gateway.canonical.outcome import CAUSES, Cause
from gateway.canonical.process import PROCESSES, Kind
from gateway.canonical.worth import amount_text

REMEDY: Final[dict[Cause, str]] = {
    Cause.UNKNOWN_ITEM: "create the item in that ERP, or correct the SKU with `edit`; then retry",
    Cause.UNKNOWN_CUSTOMER: "create the customer in that ERP, or correct customer/ref; then retry",
    Cause.UNKNOWN_ORDER: "see whether the order it follows is held itself; book that first",
    Cause.CLOSED_PERIOD: "open the period in that ERP, or book it by hand under its CX- reference",
    Cause.CREDIT_BLOCK: "raise or unblock the customer's credit in that ERP; then retry",
    Cause.CROSSWALK_GAP: "add the code to the crosswalk it names; the import lets it go",
    Cause.NOT_MAPPED: "complete the fields it names with `edit`, then retry; or discard it",
    Cause.TOTAL_DIFFERS: "correct prices, taxes or rounding in that ERP; then retry",
    Cause.NOT_ACCEPTED: "read what the ERP said; correct it there or with `edit`; then retry",
    Cause.MISCONFIGURED: "correct that ERP's address, tenant or credentials in the configuration",
    Cause.BOOKED_TWICE: "reverse all but one in that ERP, then `coexist reconcile settle`",
    Cause.BOOKED_ANYWAY: "reverse it in that ERP, then `coexist reconcile settle`",
    Cause.POISON: "read the workers' logs; it is a fault of coexist: update, then retry",
    Cause.ORDER_DISCARDED: "discard it too, or book the order by hand and retry",
    Cause.TAKEN_BEFORE: "discard it; if it is another order, retry, and its ERP will judge",
    Cause.OWNER_UNDECIDED: "see that both ERPs answer and one of them has the order; then retry",
    Cause.PAYMENT_PENDING: "a Shopify shop says when it is; else say so: `edit` (payment/status)",
    Cause.FEE_UNKNOWN: "say in the channel's chain.fees which item the fee is, then retry",
    Cause.TAX_DIFFERS: "correct category or tax with `edit`, or the engine's rates; then retry",
}
"""What staff are told to do about each cause."""

TEAM: Final[dict[Cause, str]] = {
    Cause.UNKNOWN_ITEM: "master-data",
    Cause.UNKNOWN_CUSTOMER: "master-data",
    Cause.UNKNOWN_ORDER: "order-management",
    Cause.CLOSED_PERIOD: "finance",
    Cause.CREDIT_BLOCK: "finance",
    Cause.CROSSWALK_GAP: "master-data",
    Cause.NOT_MAPPED: "order-management",
    Cause.TOTAL_DIFFERS: "finance",
    Cause.NOT_ACCEPTED: "order-management",
    Cause.MISCONFIGURED: "platform",
    Cause.BOOKED_TWICE: "finance",
    Cause.BOOKED_ANYWAY: "finance",
    Cause.POISON: "platform",
    Cause.ORDER_DISCARDED: "order-management",
    Cause.TAKEN_BEFORE: "order-management",
    Cause.OWNER_UNDECIDED: "order-management",
    Cause.PAYMENT_PENDING: "order-management",
    Cause.FEE_UNKNOWN: "finance",
    Cause.TAX_DIFFERS: "finance",
}
"""Who looks after each cause, unless the settings name somebody else."""

_LAST: Final = "operations"


@dataclass(frozen=True, slots=True)
class Team:
    """A team; ``steward`` is who answers for it, "" if nobody was named."""

    name: str
    steward: str = ""


@dataclass(frozen=True, slots=True)
class Teams:
    """Who looks after what. ``owners`` are by ``process/cause``, cause or process."""

    owners: Mapping[str, Team] = field(default_factory=dict)

    def of(self, process: str, cause: str) -> Team:
        """Return the team: as configured, the most specific first, else the usual one."""
        for scope in (f"{process}/{cause}", cause, process):
            if scope in self.owners:
                return self.owners[scope]
        return self._named(TEAM[Cause(cause)] if cause in CAUSES else _LAST)

    def scopes_of(self, team: str) -> tuple[tuple[str, str], ...]:
        """Return the pairs of process and cause a team looks after."""
        writes = [name for name, it in PROCESSES.items() if it.kind is not Kind.READ]
        return tuple((p, c.value) for p in writes for c in Cause if self.of(p, c).name == team)

    def names(self) -> tuple[str, ...]:
        """Return all teams there are, configured or usual."""
        configured = {team.name for team in self.owners.values()}
        return tuple(sorted(configured | set(TEAM.values())))

    def _named(self, name: str) -> Team:
        return next((team for team in self.owners.values() if team.name == name), Team(name))


@dataclass(frozen=True, slots=True)
class Group:
    """What is held for one cause, or (``waits``) tried again by itself until that ends.

    ``money`` is decimal text by currency; ``processes``, ``erps`` and ``teams`` count.
    """

    cause: str
    waits: bool
    count: int
    money: Mapping[str, str]
    oldest_at: datetime
    deadline_ms: int
    processes: Mapping[str, int]
    erps: Mapping[str, int]
    teams: Mapping[str, int]
    stewards: tuple[str, ...]
    remedy: str


def groups(tallies: Iterable[Tally], teams: Teams) -> list[Group]:
    """Put together what has one cause; the first deadline first, then the most of it."""
    by_cause: dict[tuple[str, bool], list[Tally]] = defaultdict(list)
    for tally in tallies:
        by_cause[tally.cause, tally.state == State.WAITING].append(tally)
    found = [_group(cause, rows, teams, waits=waits) for (cause, waits), rows in by_cause.items()]
    return sorted(found, key=lambda it: (it.waits, it.deadline_ms, -it.count, it.cause))


def money_of(tallies: Iterable[Tally]) -> dict[str, str]:
    """Add up exactly, by currency; what is about no money adds nothing."""
    parts: dict[str, int] = defaultdict(int)
    for tally in tallies:
        if tally.currency:
            parts[tally.currency] += tally.parts
    return {currency: amount_text(n, currency) for currency, n in sorted(parts.items())}


def remedy_of(cause: str) -> str:
    """Say what to do about a cause; an unknown one is of another version."""
    return REMEDY[Cause(cause if cause in CAUSES else Cause.NOT_ACCEPTED)]


def _group(cause: str, rows: Sequence[Tally], teams: Teams, *, waits: bool) -> Group:
    counts: dict[str, dict[str, int]] = {"process": {}, "owner": {}, "team": {}}
    stewards = set()
    for row in rows:
        team = teams.of(row.process, cause)
        stewards.add(team.steward)
        for kind, name in (("process", row.process), ("owner", row.owner), ("team", team.name)):
            counts[kind][name] = counts[kind].get(name, 0) + row.count
    return Group(
        cause=cause,
        waits=waits,
        count=sum(row.count for row in rows),
        money=money_of(rows),
        oldest_at=min(row.oldest_at for row in rows),
        deadline_ms=min(row.deadline_ms for row in rows),
        processes=counts["process"],
        erps=counts["owner"],
        teams=counts["team"],
        stewards=tuple(sorted(stewards - {""})),
        remedy=remedy_of(cause),
    )
