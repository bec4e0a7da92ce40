"""Exceptions: what is held or waits, looked at and let go again.

The sentence the code follows: *whoever may look sees groups by cause, with deadline, money, team
and remedy; whoever may release is told first how much that is and how long it takes; what is
released is written down before, goes back to its lane, and is probed before it is sent again.*
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Case, Happened, Listed, Peak, Record, Wanted
from gateway.canonical.lifecycle import State
from gateway.canonical.masking import masked
from gateway.canonical.process import ERPS, PROCESSES, Priority
from gateway.canonical.staff import Action, Staff, require
from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.flow.audit import Auditor
from gateway.policy.drain import Drain, Pace, drains
from gateway.policy.triage import Group, Team, Teams, groups, money_of, remedy_of
from gateway.ports import Casebook, Desk, Intake, Lanes, Peaks, Precedents

#: Messages released by one command: more are released by the next.
RELEASED_MAX: Final = 100_000
#: Releases under way at once.
AT_ONCE: Final = 32
#: How far back the busiest minute is looked for.
MEASURED: Final = timedelta(hours=1)

Backlog = Callable[[], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What staff work with. ``calls_s`` is what each ERP's quota allows a second."""

    desk: Desk
    lanes: Lanes
    casebook: Casebook
    intake: Intake
    backlog: Backlog
    auditor: Auditor
    clock: Clock
    precedents: Precedents
    teams: Teams = field(default_factory=Teams)
    calls_s: Mapping[str, float] = field(default_factory=dict)
    peaks: Peaks | None = None

    async def paces(self) -> dict[str, Pace]:
        """Return what each ERP takes: by its quota, and as measured."""
        busiest = await self.casebook.busiest_minute(self.clock.now() - MEASURED)
        return {it: Pace(self.calls_s.get(it, 0), busiest.get(it, 0)) for it in map(str, ERPS)}

    async def case_of(self, transaction_id: str) -> Case:
        """Return a message that staff may act on.

        Raises:
            NotFound: nobody knows that id.
            Conflict: it is neither held nor waiting; the detail says what it is.
        """
        case = await self.desk.case(transaction_id)
        if case is not None and case.actionable:
            return case
        if case is not None:
            raise Conflict(_not_held(transaction_id, case.state))
        record = await self.casebook.transaction(transaction_id)
        if record is None:
            raise unknown(transaction_id)
        raise Conflict(_not_held(transaction_id, record.state))


@dataclass(frozen=True, slots=True)
class Listing:
    """Groups, and one page of ``total`` lines, each with who looks after it."""

    groups: Sequence[Group]
    items: Sequence[tuple[Listed, Team]]
    total: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One transaction with all that staff need. ``case`` is None once the buffer forgot it.

    ``body`` and ``original`` (as accepted, if it was changed) are masked unless that was allowed.
    """

    record: Record
    case: Case | None
    team: Team
    body: Mapping[str, Any]
    original: Mapping[str, Any] | None
    history: Sequence[Happened]
    followers: Sequence[tuple[str, str, str]]
    next_step: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a release would set going; while a ``peak`` is on, all of it waits until that ends."""

    count: int
    money: Mapping[str, str]
    drains: Sequence[Drain]
    groups: Sequence[Group]
    peak: Peak | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: ``gone`` were no longer held when it came to them."""

    released: int
    gone: int


class Exceptions:
    """Lists, shows, estimates, releases."""

    def __init__(self, bench: Bench) -> None:
        self._at = bench
        self.teams = bench.teams

    async def listing(
        self, staff: Staff, wanted: Wanted, *, first: int = 0, count: int = 50
    ) -> Listing:
        """Return groups and a page of lines, the first deadline first, then the most money."""
        require(staff, Action.EXCEPTIONS_READ)
        tallies = await self._at.casebook.tallies(wanted)
        lines = await self._at.casebook.exceptions(wanted, first, count)
        items = [(line, self._at.teams.of(line.process, line.cause)) for line in lines]
        return Listing(groups(tallies, self._at.teams), items, sum(it.count for it in tallies))

    async def show(
        self, staff: Staff, transaction_id: str, *, unmask: bool = False, reason: str = ""
    ) -> Shown:
        """Return one transaction; to ``unmask`` it takes a role, and is written down.

        Raises:
            NotFound: the ledger does not know it (yet).
        """
        require(staff, Action.EXCEPTIONS_UNMASK if unmask else Action.EXCEPTIONS_READ)
        record = await self._at.casebook.transaction(transaction_id)
        if record is None:
            raise unknown(transaction_id)
        if unmask:
            await self._at.auditor.record(staff, Action.EXCEPTIONS_UNMASK, transaction_id, reason)
        original = await self._at.casebook.original_of(transaction_id)
        history = await self._at.casebook.history_of(transaction_id)
        case = await self._at.desk.case(transaction_id)
        return Shown(
            record=record,
            case=case,
            team=self._at.teams.of(record.process, record.cause),
            body=record.body if unmask else masked(record.body),
            original=original if unmask or original is None else masked(original),
            history=history if unmask else [_without_content(it) for it in history],
            followers=await self._followers(record),
            next_step=next_step(record.state, record.cause, case),
        )

    async def retry(self, staff: Staff, transaction_id: str, reason: str = "") -> None:
        """Let one message be tried again, in its own class.

        Raises:
            NotFound: nobody knows that id.
            Conflict: it is neither held nor waiting.
        """
        require(staff, Action.EXCEPTIONS_RETRY)
        case = await self._at.case_of(transaction_id)
        await self._at.auditor.record(
            staff, Action.EXCEPTIONS_RETRY, transaction_id, reason, cause=case.cause
        )
        own = _class_of(case)
        if not await self._at.lanes.release_held(transaction_id, staff.name, own):
            raise Conflict(f"{transaction_id} is no longer held: somebody else was faster")

    async def estimate(self, staff: Staff, wanted: Wanted) -> Estimate:
        """Say how much a release of all that is ``wanted`` is, and how long it takes."""
        require(staff, Action.EXCEPTIONS_READ)
        tallies = await self._at.casebook.tallies(wanted)
        counts: Counter[str] = Counter()
        for tally in tallies:
            counts[tally.owner] += tally.count
        return Estimate(
            count=sum(counts.values()),
            money=money_of(tallies),
            drains=drains(counts, await self._at.backlog(), await self._at.paces()),
            groups=groups(tallies, self._at.teams),
            peak=None if self._at.peaks is None else await self._at.peaks.peak(),
        )

    async def retry_all(
        self, staff: Staff, wanted: Wanted, *, count: int, reason: str = ""
    ) -> Released:
        """Release up to ``count`` of what is wanted, behind all live traffic.

        They go in the lowest class: a thousand released at once must not make a shopper wait. What
        is refused again waits or is held again.
        """
        tallies = await self._at.casebook.tallies(wanted)
        described = {"wanted": _said(wanted), "money": money_of(tallies)}
        subject = f"{min(count, sum(it.count for it in tallies))} held transactions"
        await self._at.auditor.record(staff, Action.EXCEPTIONS_RETRY, subject, reason, **described)
        found = await self._at.casebook.exception_ids(wanted, min(count, RELEASED_MAX))
        released = 0
        for start in range(0, len(found), AT_ONCE):
            chunk = found[start : start + AT_ONCE]
            answers = await asyncio.gather(
                *(self._at.lanes.release_held(it, staff.name, Priority.LOW) for it, _ in chunk)
            )
            released += sum(answers)
        done = Released(released, len(found) - released)
        await self._at.auditor.record(
            staff, Action.EXCEPTIONS_RETRY, subject, reason,
            released=done.released, gone=done.gone,
        )  # fmt: skip
        return done

    async def _followers(self, record: Record) -> list[tuple[str, str, str]]:
        """Return transaction, process and reference of what waits behind it in its object."""
        if record.state in (State.BOOKED, State.DISCARDED):
            return []
        waiting = await self._at.intake.progress_of(record.object_key)
        ids = [it.envelope.transaction_id for it in waiting]
        behind = ids.index(record.transaction_id) + 1 if record.transaction_id in ids else len(ids)
        return [
            (it.envelope.transaction_id, it.envelope.process, it.envelope.reference)
            for it in waiting[behind:]
            if it.state in (State.WAITING, State.PARKED)
        ]


def next_step(state: str, cause: str, case: Case | None) -> str:
    """Say what somebody should do now."""
    if state == State.BOOKED:
        return "nothing: it is booked"
    if state == State.DISCARDED:
        return "nothing here: it was discarded; see that its channel undid it"
    if not cause:
        return "nothing: it is under way"
    step = remedy_of(cause)
    if case is not None and case.waits:
        return f"{step}; it is tried again by itself too"
    return step


def unknown(transaction_id: str) -> NotFound:
    """Return the error for an id nobody knows."""
    return NotFound(
        f"no transaction {transaction_id!r} is known; `coexist exceptions list` shows what is held"
    )


def of_team(wanted: Wanted, team: str, teams: Teams) -> Wanted:
    """Narrow what is wanted to what a team looks after; no team leaves it as it is.

    Raises:
        NotFound: there is no such team.
    """
    if not team:
        return wanted
    if team not in teams.names():
        raise NotFound(f"there is no team {team!r}; there are {', '.join(teams.names())}")
    return replace(wanted, scopes=teams.scopes_of(team))


def _not_held(transaction_id: str, state: str) -> str:
    known = {
        State.WAITING: "it is under way: it waits for its turn, or for its owner to be found",
        State.PARKED: "it waits under a hold route, until rules say where it goes",
        State.SENT: "it is being sent, or its outcome is looked for",
        State.STORED: "its ERP has stored it and will post it",
        State.BOOKED: "it is booked",
        State.DISCARDED: "it was discarded",
    }
    return f"{transaction_id} is not held: {known.get(State(state), state)}"


def _without_content(it: Happened) -> Happened:
    fields = {name: text for name, text in it.fields.items() if name not in ("body", "patch")}
    return Happened(it.kind, it.at, fields)


def _class_of(case: Case) -> Priority | None:
    """Return the class of its process; a poison message may not say what it is."""
    try:
        process = Envelope.model_validate_json(case.payload).process
    except ValidationError:
        return None
    return PROCESSES[process].priority if process in PROCESSES else None


def _said(wanted: Wanted) -> dict[str, Any]:
    named = {name: getattr(wanted, name) for name in Wanted.__dataclass_fields__}
    return {name: value for name, value in named.items() if value}
