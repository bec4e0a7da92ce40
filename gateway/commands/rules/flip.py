"""Bringing rules into force."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import rich_click as click

from gateway.canonical.envelope import Marker
from gateway.canonical.staff import Action
from gateway.commands.common import by_option, installation, json_option, run
from gateway.commands.proof import acting
from gateway.commands.rules import unhold
from gateway.commands.rules.common import directory_argument, load_directory, print_marker
from gateway.commands.rules.progress import Shown
from gateway.commands.rules.waiving import backlog_option, waive_options, waiver_of
from gateway.errors import BadRequest
from gateway.flow.unhold import Unheld
from gateway.routing.ruleset import RuleSet


@click.command()
@directory_argument
@by_option
@click.option("--note", default="", help="Why, for the history.")
@backlog_option
@waive_options
@click.option("--resume", is_flag=True, help="Finish a flip that was interrupted.")
@unhold.yes_option
@json_option
def apply(  # noqa: PLR0913 -- an option each
    directory: Path | None,
    by: str,
    note: str,
    backlog: str,
    waives: tuple[str, ...],
    waived_by: str | None,
    *,
    resume: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Bring the rules of DIRECTORY into force on every gateway process.

    Every gate of `coexist wave ready` has to be green. When this returns, no later request is
    decided by older rules. What waits under a hold that this ends is told first.
    """
    let_go = None if resume else run(_preview(load_directory(directory)))
    unhold.confirmed(let_go, yes=yes, quiet=as_json)
    with Shown(quiet=as_json) as shown:
        if resume:
            if directory is not None or waives:
                raise BadRequest(
                    "--resume finishes what was begun: name no rules and waive nothing"
                )
            marker = run(_resume(by, shown))
        else:
            wanted = load_directory(directory)
            marker = run(_apply(wanted, by, note, backlog, waives, waived_by, shown))
    print_marker(marker, "in force", as_json=as_json, more=unhold.as_json(let_go))


async def _apply(
    wanted: RuleSet,
    by: str,
    note: str,
    backlog: str,
    waives: tuple[str, ...],
    waived_by: str | None,
    shown: Shown,
) -> Marker:
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        waiver = waiver_of(parts.settings, waives, waived_by)
        changes = ruling(parts).changes
        return await changes.apply(staff, wanted, note, shown, waiver=waiver, backlog=backlog)


async def _preview(wanted: RuleSet) -> Unheld:
    async with installation() as parts:
        return await unhold.previewed(parts, wanted)


async def _resume(by: str, shown: Shown) -> Marker:
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.RULES_APPLY, "the open flip")
        return await ruling(parts).publisher.resume(by, shown)


COMMANDS: Final = (apply,)
