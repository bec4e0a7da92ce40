"""Bringing rules into force, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import rich_click as click

from gateway.canonical.envelope import Marker
from gateway.canonical.staff import Action
from gateway.commands.common import acting, by_option, installation, json_option, print_json, run
from gateway.commands.rules.common import directory_argument, load_directory, publisher
from gateway.flow.publish import Step
from gateway.routing.ruleset import RuleSet


@click.command()
@directory_argument
@by_option
@click.option("--note", default="", help="Why, for the history.")
@click.option("--resume", is_flag=True, help="Finish a flip that was interrupted.")
@json_option
def apply(directory: Path | None, by: str, note: str, *, resume: bool, as_json: bool) -> None:
    """Bring the rules of DIRECTORY into force on every gateway process.

    When this returns, no later request is decided by older rules.
    """
    wanted = None if resume else load_directory(directory)
    marker = run(_apply(wanted, by, note, quiet=as_json))
    _print_marker(marker, "in force", as_json=as_json)


@click.command()
@by_option
@click.option("--note", default="", help="Why, for the history.")
@json_option
def rollback(by: str, note: str, *, as_json: bool) -> None:
    """Bring back the rules that were in force before the present ones.

    What was booked stays where it is: follow-ups go on to the ERP that owns the object.
    """
    marker = run(_rollback(by, note, quiet=as_json))
    _print_marker(marker, "back in force", as_json=as_json)


async def _apply(wanted: RuleSet | None, by: str, note: str, *, quiet: bool) -> Marker:
    async with installation() as parts:
        subject = "the open flip" if wanted is None else wanted.version
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.RULES_APPLY, subject, note)
        if wanted is None:
            return await publisher(parts).resume(by, _progress(quiet=quiet))
        return await publisher(parts).apply(wanted, by, note, _progress(quiet=quiet))


async def _rollback(by: str, note: str, *, quiet: bool) -> Marker:
    async with installation() as parts:
        subject = (await parts.book.publication()).marker.version
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.RULES_ROLLBACK, subject, note)
        return await publisher(parts).rollback(by, note, _progress(quiet=quiet))


class _progress:  # noqa: N801 -- used as a function
    """Prints the steps of a flip, one line each, when they are complete."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last: Step | None = None

    def __call__(self, step: Step) -> None:
        if not self._quiet and step.done == step.total and step != self._last:
            click.echo(f"  {step.doing}: {step.done} of {step.total}", err=True)
        self._last = step


def _print_marker(marker: Marker, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"epoch": marker.epoch, "version": marker.version})
    else:
        click.echo(f"rule version {marker.version} is {what}, as epoch {marker.epoch}")


COMMANDS: Final = (apply, rollback)
