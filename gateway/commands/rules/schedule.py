"""Flips with a time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import rich_click as click

from gateway.canonical.exchange.governance import Schedule
from gateway.commands.common import (
    by_option,
    count_option,
    installation,
    json_option,
    print_json,
    run,
)
from gateway.commands.proof import acting
from gateway.commands.rules.common import directory_argument, load_directory
from gateway.commands.rules.waiving import backlog_option, waive_options, waiver_of
from gateway.errors import BadRequest
from gateway.routing.ruleset import RuleSet


@click.command()
@directory_argument
@click.option("--at", "at_text", required=True, help="When: 2027-02-01T02:00+01:00, or in UTC.")
@by_option
@click.option("--note", default="", help="Why, for the history.")
@backlog_option
@waive_options
@json_option
def schedule(
    directory: Path | None,
    at_text: str,
    by: str,
    note: str,
    backlog: str,
    waives: tuple[str, ...],
    waived_by: str | None,
    *,
    as_json: bool,
) -> None:
    """Bring the rules of DIRECTORY into force at a time.

    Any gateway or worker process that is alive then carries it out, once. The gates are asked now,
    for that time, and again then: what is red then is suspended with the reason, and so is a flip
    over other rules than those in force now.
    """
    wanted, at = load_directory(directory), _time(at_text)
    found = run(_schedule(wanted, at, by, note, backlog, waives, waived_by))
    if as_json:
        print_json(_as_json(found))
    else:
        click.echo(f"{found.schedule_id}: rule version {found.version} at {found.at.isoformat()}")


@click.command()
@count_option("How many at most.")
@json_option
def scheduled(count: int, *, as_json: bool) -> None:
    """List flips with a time, the latest first, and what became of them."""
    found = run(_scheduled(count))
    if as_json:
        print_json([_as_json(it) for it in found])
        return
    if not found:
        click.echo("nothing is scheduled; `coexist rules schedule` does")
    for it in found:
        end = f" as epoch {it.epoch}" if it.epoch else f": {it.reason}" if it.reason else ""
        click.echo(
            f"{it.schedule_id} {it.version} {it.at.isoformat(timespec='seconds')} {it.by}: "
            f"{it.stage}{end}"
        )


@click.command()
@click.argument("schedule_id", metavar="SCHEDULE")
@by_option
@click.option("--reason", default="", help="For the audit log.")
@json_option
def unschedule(schedule_id: str, by: str, reason: str, *, as_json: bool) -> None:
    """Take a scheduled flip back before its time."""
    found = run(_unschedule(schedule_id, by, reason))
    if as_json:
        print_json(_as_json(found))
    else:
        click.echo(f"{found.schedule_id} is {found.stage}")


async def _schedule(
    wanted: RuleSet,
    at: datetime,
    by: str,
    note: str,
    backlog: str,
    waives: tuple[str, ...],
    waived_by: str | None,
) -> Schedule:
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        waiver = waiver_of(parts.settings, waives, waived_by)
        scheduler = ruling(parts).scheduler
        return await scheduler.schedule(staff, wanted, at, note, waiver=waiver, backlog=backlog)


async def _scheduled(count: int) -> list[Schedule]:
    from gateway.ruling import ruling

    async with installation() as parts:
        return list(await ruling(parts).scheduler.listed(count))


async def _unschedule(schedule_id: str, by: str, reason: str) -> Schedule:
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        return await ruling(parts).scheduler.unschedule(staff, schedule_id, reason)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"--at {text!r} is not a time; write 2027-02-01T02:00+01:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _as_json(found: Schedule) -> dict[str, Any]:
    return {
        **asdict(found),
        "stage": found.stage.value,
        "at": found.at.isoformat(),
        "changed_at": found.changed_at.isoformat() if found.changed_at else None,
    }


COMMANDS: Final = (schedule, scheduled, unschedule)
