"""Flips with a time: once, by whoever lives, over exactly what was in force; or not, and why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.canonical.calendar import Calendar, CalendarKind, Window
from gateway.canonical.envelope import Marker
from gateway.canonical.exchange.governance import Schedule, Stage
from gateway.errors import (
    BadRequest,
    CalendarsError,
    FencedOut,
    Forbidden,
    NotFound,
    PublishError,
    RuleProblem,
)
from gateway.flow.publish import Terms
from gateway.flow.watch import DUTY_MS, Watch
from gateway.routing.ruleset import RuleSet
from tests.unit.flow.doubles import Notes
from tests.unit.flow.governed import (
    LEAD,
    OPERATOR,
    Governed,
    approved,
    intake,
    report,
    rules,
)

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The process on duty dies."""


@pytest.fixture
async def draft(governed: Governed, tmp_path: Path) -> RuleSet:
    """Rules to be scheduled, while others are in force."""
    await governed.changes.apply(LEAD, rules(tmp_path), "")
    return rules(tmp_path, {"nl": intake()})


async def scheduled(it: Governed, draft: RuleSet, in_s: float = 600) -> Schedule:
    return await it.scheduler.schedule(LEAD, draft, it.later(in_s), "wave 1")


async def only(it: Governed) -> Schedule:
    (found,) = await it.scheduler.listed(10)
    return found


async def test_it_waits_for_its_time_and_then_any_process_carries_it_out(
    governed: Governed, draft: RuleSet
) -> None:
    made = await scheduled(governed, draft)
    assert await governed.scheduler.carry_out(await governed.duty()) == []
    assert (await governed.in_force()).epoch == 1
    governed.wait(601)
    (done,) = await governed.another().carry_out(await governed.duty("p2"))
    assert (done.schedule_id, done.stage, done.epoch) == (made.schedule_id, Stage.DONE, 2)
    assert await governed.in_force() == Marker(2, draft.version)
    assert await governed.scheduler.carry_out(await governed.duty("p2")) == []
    assert (await governed.deeds())[-2:] == [
        ("lee", "rules.schedule"), (f"schedule {made.schedule_id}", "rules.apply"),
    ]  # fmt: skip
    assert (await governed.ledger.history(1))[0].by == f"schedule {made.schedule_id}"


async def test_other_rules_in_force_since_then_suspend_it(
    governed: Governed, draft: RuleSet, tmp_path: Path
) -> None:
    await scheduled(governed, draft)
    await governed.changes.apply(LEAD, rules(tmp_path, {"de": intake(entity="DE01")}), "")
    governed.wait(601)
    await governed.scheduler.carry_out(await governed.duty())
    found = await only(governed)
    assert found.stage is Stage.SUSPENDED
    assert found.reason == (
        "the rules in force changed since it was scheduled: epoch 1 then, 2 (apply by lee) now"
    )
    assert (await governed.in_force()).epoch == 2


async def test_a_rollback_and_the_same_rules_again_suspend_it_too(
    governed: Governed, draft: RuleSet, tmp_path: Path
) -> None:
    await scheduled(governed, draft)
    await governed.changes.apply(LEAD, rules(tmp_path, {"de": intake(entity="DE01")}), "")
    await governed.publisher.rollback("lee", "")
    governed.wait(601)
    await governed.scheduler.carry_out(await governed.duty())
    assert (await only(governed)).stage is Stage.SUSPENDED


async def test_a_freeze_declared_meanwhile_suspends_it(governed: Governed, draft: RuleSet) -> None:
    await scheduled(governed, draft)
    window = Window("w", governed.later(500), governed.later(700), "an audit")
    governed.calendars.append(
        Calendar("audit", CalendarKind.FREEZE, "finance", frozenset(), (window,))
    )
    governed.wait(601)
    await governed.scheduler.carry_out(await governed.duty())
    found = await only(governed)
    assert found.stage is Stage.SUSPENDED
    assert "calendars: freeze audit 'w' until" in found.reason


async def test_it_is_not_scheduled_into_a_freeze_but_past_it(
    governed: Governed, draft: RuleSet
) -> None:
    window = Window("w", governed.later(500), governed.later(700), "an audit")
    calendar = Calendar("audit", CalendarKind.FREEZE, "finance", frozenset({"NL01"}), (window,))
    governed.calendars.append(calendar)
    with pytest.raises(PublishError, match="calendars: freeze audit"):
        await scheduled(governed, draft, 600)
    await scheduled(governed, draft, 700)


async def test_what_nobody_could_carry_out_in_time_is_suspended(
    governed: Governed, draft: RuleSet
) -> None:
    await scheduled(governed, draft)
    governed.wait(600 + 3601)
    await governed.scheduler.carry_out(await governed.duty())
    assert "it was due 3601 s ago and nobody could carry it out" in (await only(governed)).reason


async def test_an_approval_withdrawn_by_an_edit_suspends_it(
    strict: Governed, tmp_path: Path
) -> None:
    first, draft = rules(tmp_path), rules(tmp_path, {"nl": intake()})
    await approved(strict, first)
    await strict.changes.apply(LEAD, first, "")
    with pytest.raises(PublishError, match="approvals"):
        await scheduled(strict, draft)
    await approved(strict, draft)
    await scheduled(strict, draft)
    await strict.approvals.propose(LEAD, draft, report(draft, 0.4), "other evidence")
    strict.wait(601)
    await strict.scheduler.carry_out(await strict.duty())
    assert "waits for an approver" in (await only(strict)).reason


async def test_it_can_be_taken_back_before_its_time_only(
    governed: Governed, draft: RuleSet
) -> None:
    made = await scheduled(governed, draft)
    with pytest.raises(Forbidden):
        await governed.scheduler.unschedule(OPERATOR, made.schedule_id, "")
    with pytest.raises(NotFound, match="`coexist rules scheduled` lists them"):
        await governed.scheduler.unschedule(LEAD, "s-0", "")
    with pytest.raises(PublishError, match="is scheduled already, as"):
        await scheduled(governed, draft)
    await governed.scheduler.unschedule(LEAD, made.schedule_id, "not yet")
    governed.wait(601)
    assert await governed.scheduler.carry_out(await governed.duty()) == []
    with pytest.raises(PublishError, match="is cancelled and cannot be taken back"):
        await governed.scheduler.unschedule(LEAD, made.schedule_id, "")
    with pytest.raises(BadRequest, match="has passed"):
        await scheduled(governed, draft, -1)


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
async def test_whoever_is_on_duty_next_finishes_what_a_killed_one_began(
    governed: Governed, draft: RuleSet, steps: int
) -> None:
    await scheduled(governed, draft)
    governed.wait(601)
    raised = 0
    raise_partition = governed.book.raise_partition

    async def dying(partition: int, marker: Marker) -> Marker:
        nonlocal raised
        if raised == steps:
            raise Killed
        raised += 1
        return await raise_partition(partition, marker)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(governed.book, "raise_partition", dying)
        if steps < 4:
            with pytest.raises(Killed):
                await governed.scheduler.carry_out(await governed.duty())
        else:  # dies after the flip, before it says so
            patched.setattr(governed.ledger, "advance", _dies_when_done(governed))
            with pytest.raises(Killed):
                await governed.scheduler.carry_out(await governed.duty())
    assert (await only(governed)).stage is Stage.RUNNING
    governed.wait(DUTY_MS / 1000 + 1)
    (done,) = await governed.another().carry_out(await governed.duty("p2"))
    assert (done.stage, done.epoch) == (Stage.DONE, 2)
    assert await governed.in_force() == Marker(2, draft.version)
    assert set(await governed.book.partitions()) == {Marker(2, draft.version)}


def _dies_when_done(it: Governed):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- told by its body
    advance = it.ledger.advance

    async def dying(schedule: Schedule, seen: Stage) -> bool:
        if schedule.stage is Stage.DONE:
            raise Killed
        return await advance(schedule, seen)

    return dying


async def test_one_that_slept_through_the_loss_of_its_duty_flips_nothing(
    governed: Governed, draft: RuleSet
) -> None:
    """It was carried out by somebody else meanwhile, and rolled back by a person."""
    await scheduled(governed, draft)
    governed.wait(601)
    sleeper = await governed.duty("p1")
    governed.wait(DUTY_MS / 1000 + 1)
    await governed.another().carry_out(await governed.duty("p2"))
    await governed.publisher.rollback("lee", "")
    over = await governed.in_force()
    with pytest.raises(FencedOut):
        await governed.publisher.apply(draft, "p1", "", terms=Terms(over=over, duty=sleeper))
    assert await governed.in_force() == over


async def test_of_many_processes_that_tick_at_once_one_carries_it_out(
    governed: Governed, draft: RuleSet
) -> None:
    await scheduled(governed, draft)
    governed.wait(601)
    watches = [
        Watch(governed.book, f"p{n}", [governed.another().carry_out], Notes(), governed.clock)
        for n in range(8)
    ]
    on_duty = await asyncio.gather(*(watch.tick() for watch in watches))
    assert on_duty.count(True) == 1
    assert (await only(governed)).stage is Stage.DONE
    assert len(await governed.ledger.history(10)) == 2


async def test_a_person_who_is_flipping_at_that_moment_goes_first(
    governed: Governed, draft: RuleSet, tmp_path: Path
) -> None:
    await scheduled(governed, draft)
    other = rules(tmp_path, {"de": intake(entity="DE01")})
    await governed.ledger.keep_rules(other.version, other.text)
    marker = await governed.book.begin(1, other.version, "apply", "bob")
    assert marker is not None
    governed.wait(601)
    assert await governed.scheduler.carry_out(await governed.duty()) == []
    await governed.publisher.resume("bob")
    await governed.scheduler.carry_out(await governed.duty())
    assert "epoch 1 then, 2 (apply by bob) now" in (await only(governed)).reason


async def test_trouble_with_one_work_does_not_stop_the_watch(governed: Governed) -> None:
    notes, done = Notes(), []

    async def fails(_: object) -> None:
        raise PublishError("no")

    async def works(_: object) -> None:
        done.append(1)

    watch = Watch(governed.book, "p1", [fails, works], notes, governed.clock)
    assert await watch.tick()
    assert done == [1]
    assert "PublishError" in notes.troubles[0]


async def test_the_duty_goes_round_and_its_token_only_rises(governed: Governed) -> None:
    first = await governed.duty("p1")
    assert await governed.book.on_duty("p2", DUTY_MS) is None
    governed.wait(DUTY_MS / 1000 - 1)
    assert await governed.duty("p1") == first  # renewed in time
    governed.wait(DUTY_MS / 1000 + 1)
    second = await governed.duty("p2")
    assert second.token == first.token + 1
    assert await governed.book.on_duty("p1", DUTY_MS) is None
    # The store's clock steps back: nobody gets the duty twice under one token.
    governed.buffer.later(-3_600_000)
    assert await governed.book.on_duty("p1", DUTY_MS) is None
    governed.buffer.later(3_600_000 + DUTY_MS + 1)
    assert (await governed.duty("p1")).token == second.token + 1


async def test_a_calendar_that_cannot_be_read_forbids(governed: Governed, draft: RuleSet) -> None:
    def broken() -> list[Calendar]:
        raise CalendarsError([RuleProblem("a.yaml", 1, 1, "kind", "unknown kind 'x'", "fix")])

    object.__setattr__(governed.readiness._terms, "calendars", broken)
    assert "unknown kind 'x'" in (await governed.red(draft))["calendars"].finding
