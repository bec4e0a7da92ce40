"""Schedule: a flip with a time, carried out by whichever process is on duty then.

The sentence the code follows: *kept in the ledger with what was in force; when its time comes,
whoever is on duty asks every gate again; what is not allowed any more is suspended with the
reason; what is allowed is flipped once, whoever dies on the way.*

Once, because a flip is opened only under the newest duty token and over the very epoch it was
scheduled over. Whoever finds a schedule running and its flip open finishes it; whoever finds it in
force only notes that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Duty, Publication
from gateway.canonical.exchange.governance import Schedule, Stage
from gateway.canonical.staff import Action, Role, Staff
from gateway.clock import Clock
from gateway.errors import BadRequest, NotFound, PublishError, RulesUnavailable
from gateway.flow.approvals import new_id
from gateway.flow.audit import Auditor
from gateway.flow.changes import NOTHING_WAIVED, Changes, Waiver
from gateway.flow.publish import Publisher, Terms
from gateway.flow.readiness import Readiness, refuse_red, waived
from gateway.ports import Governance, Ledger, RuleBook
from gateway.routing.ruleset import RuleSet, parse

#: Tells people of something: what kind of thing, and what it is about.
Tell: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[None]]

#: Scheduled flips looked at in one go.
SCHEDULES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Tools:
    """What a scheduler works with."""

    kept: Governance
    ledger: Ledger
    book: RuleBook
    auditor: Auditor
    changes: Changes
    readiness: Readiness
    publisher: Publisher
    clock: Clock


class Scheduler:
    """Keeps flips with a time, and carries them out.

    One that is due for longer than ``late_s_max``, because no process was alive, is suspended:
    nobody expects it any more.
    """

    def __init__(self, tools: Tools, late_s_max: float, tell: Tell | None = None) -> None:
        self._tools = tools
        self._late = timedelta(seconds=late_s_max)
        self._tell = tell

    # ------------------------------------------------------------------- people

    async def schedule(
        self,
        staff: Staff,
        rules: RuleSet,
        at: datetime,
        note: str,
        *,
        waiver: Waiver = NOTHING_WAIVED,
        backlog: str = "drain",
    ) -> Schedule:
        """Keep a flip for ``at``, if the gates would let it pass then.

        Raises:
            BadRequest: the time has passed.
            PublishError: a gate is red for that time, or these rules are scheduled already.
        """
        now = self._tools.clock.now()
        if at <= now:
            raise BadRequest(
                f"{at.isoformat(timespec='seconds')} has passed, it is "
                f"{now.isoformat(timespec='seconds')}; name a time to come"
            )
        for other in await self.open():
            if other.version == rules.version:
                raise PublishError(
                    f"rule version {rules.version} is scheduled already, as {other.schedule_id} "
                    f"for {other.at.isoformat()}; `coexist rules unschedule {other.schedule_id}`"
                )
        over = await self._tools.changes.checked(
            staff, Action.RULES_SCHEDULE, rules, note, waiver, at
        )
        await self._tools.ledger.keep_rules(rules.version, rules.text)
        schedule = Schedule(
            schedule_id=new_id("s-"),
            version=rules.version,
            at=at,
            base_epoch=over.epoch,
            by=staff.name,
            note=note,
            backlog=backlog,
            waived=dict(waiver.reasons),
            changed_at=now,
        )
        await self._tools.kept.schedule(schedule)
        return schedule

    async def unschedule(self, staff: Staff, schedule_id: str, reason: str) -> Schedule:
        """Take a flip back before its time."""
        known = {it.schedule_id: it for it in await self._tools.kept.schedules(SCHEDULES_MAX)}
        schedule = known.get(schedule_id)
        if schedule is None:
            raise NotFound(f"no schedule {schedule_id!r}; `coexist rules scheduled` lists them")
        await self._tools.auditor.record(
            staff, Action.RULES_SCHEDULE, schedule.version, reason, cancelled=schedule_id
        )
        cancelled = replace(schedule, stage=Stage.CANCELLED, reason=reason or f"by {staff.name}")
        if not await self._tools.kept.advance(cancelled, Stage.SCHEDULED):
            raise PublishError(
                f"{schedule_id} is {schedule.stage} and cannot be taken back; look at `coexist "
                "rules scheduled` and, if it is in force, `coexist rules rollback`"
            )
        return cancelled

    async def open(self) -> Sequence[Schedule]:
        """Return what has not ended."""
        return await self._tools.kept.schedules(SCHEDULES_MAX, open_only=True)

    async def listed(self, count: int) -> Sequence[Schedule]:
        """Return the schedules with the latest times."""
        return await self._tools.kept.schedules(count)

    # ------------------------------------------------------------------- whoever is on duty

    async def carry_out(self, duty: Duty) -> list[Schedule]:
        """Carry out what is due, the earliest first; return what changed its stage.

        Raises :class:`~gateway.errors.FencedOut` if somebody else went on duty since.
        """
        now = self._tools.clock.now()
        due = [it for it in await self.open() if it.at <= now]
        changed = []
        for schedule in sorted(due, key=lambda it: it.at):
            after = await self._carry_out(schedule, duty, now)
            if after is not None:
                changed.append(after)
        return changed

    async def _carry_out(self, schedule: Schedule, duty: Duty, now: datetime) -> Schedule | None:
        publication = await self._tools.book.publication()
        if schedule.stage is Stage.RUNNING:
            after = await self._continued(schedule, publication)
            if after is not None:
                return after
        if publication.pending is not None and now - schedule.at <= self._late:
            return None  # somebody is flipping: have a look at the next tick
        why_not = await self._why_not(schedule, publication, now)
        if why_not:
            return await self._move(schedule, Stage.SUSPENDED, why_not)
        return await self._flip(schedule, duty, publication.marker)

    async def _continued(self, schedule: Schedule, publication: Publication) -> Schedule | None:
        """Finish what another process began; None if it never opened the flip."""
        mine = publication.by == _name(schedule)
        pending = publication.pending
        if pending is not None and mine and pending.version == schedule.version:
            marker = await self._tools.publisher.resume(_name(schedule))
            return await self._move(schedule, Stage.DONE, "", marker.epoch)
        for line in await self._tools.ledger.history(SCHEDULES_MAX):
            if line.by == _name(schedule):
                return await self._move(schedule, Stage.DONE, "", line.epoch)
        return None

    async def _why_not(self, schedule: Schedule, publication: Publication, now: datetime) -> str:
        if now - schedule.at > self._late:
            late_s = round((now - schedule.at).total_seconds())
            return f"it was due {late_s} s ago and nobody could carry it out; schedule it again"
        if publication.marker.epoch != schedule.base_epoch:
            return (
                f"the rules in force changed since it was scheduled: epoch {schedule.base_epoch} "
                f"then, {publication.marker.epoch} ({publication.kind} by {publication.by}) now"
            )
        try:
            rules = await self._rules(schedule)
            gates = await self._tools.readiness.gates(rules, publication.marker, at=now)
            refuse_red(waived(gates, schedule.waived), schedule.version)
        except (PublishError, RulesUnavailable) as error:
            return error.detail
        return ""

    async def _flip(self, schedule: Schedule, duty: Duty, over: Marker) -> Schedule | None:
        if schedule.stage is Stage.SCHEDULED:
            running = replace(schedule, stage=Stage.RUNNING)
            if not await self._tools.kept.advance(running, Stage.SCHEDULED):
                return None  # taken back a moment ago
            schedule = running
        staff = Staff(_name(schedule), frozenset({Role.LEAD}), "worker")
        await self._tools.auditor.record(
            staff, Action.RULES_APPLY, schedule.version, schedule.note,
            scheduled_by=schedule.by, holder=duty.holder,
        )  # fmt: skip
        terms = Terms(backlog=schedule.backlog, over=over, duty=duty)
        try:
            marker = await self._tools.publisher.apply(
                await self._rules(schedule), staff.name, schedule.note, terms=terms
            )
        except PublishError as error:
            return await self._move(schedule, Stage.SUSPENDED, error.detail)
        return await self._move(schedule, Stage.DONE, "", marker.epoch)

    async def _rules(self, schedule: Schedule) -> RuleSet:
        text = await self._tools.ledger.rules(schedule.version)
        if text is None:
            raise PublishError(f"the ledger does not hold rule version {schedule.version}")
        return parse(text, schedule.version)

    async def _move(
        self, schedule: Schedule, stage: Stage, reason: str, epoch: int = 0
    ) -> Schedule | None:
        after = replace(schedule, stage=stage, reason=reason, epoch=epoch)
        if stage is Stage.SUSPENDED and self._tell is not None:
            await self._tell("schedule.suspended", {
                "schedule": schedule.schedule_id, "version": schedule.version,
                "at": schedule.at.isoformat(), "by": schedule.by, "reason": reason,
            })  # fmt: skip
        return after if await self._tools.kept.advance(after, schedule.stage) else None


def _name(schedule: Schedule) -> str:
    return f"schedule {schedule.schedule_id}"
