"""For engineers and stewards: what was refused and waits for somebody."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import rich_click as click

from gateway.canonical.exchange import Wanted
from gateway.canonical.outcome import Cause
from gateway.canonical.process import PROCESSES
from gateway.canonical.staff import Staff
from gateway.commands import exceptions_view as view
from gateway.commands.common import (
    by_option,
    count_option,
    installation,
    json_option,
    print_json,
    run,
)
from gateway.commands.proof import acting
from gateway.errors import Conflict, NotFound
from gateway.flow import readout
from gateway.flow.correct import Corrected, Corrector, GivenUp
from gateway.flow.exceptions import Estimate, Exceptions, Listing, Released, Shown, of_team

Command = Callable[..., Any]

reason_option = click.option("--reason", default="", help="Why, for the audit log.")
revision_option = click.option(
    "--revision", type=int, help="Only if nobody changed it since; `show` prints it."
)


@click.group()
def exceptions() -> None:
    """Held transactions: what an ERP refused, each holding only its own object."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter options as they were given."""

    wanted: Wanted
    team: str

    @property
    def empty(self) -> bool:
        """Whether everything is meant."""
        return self == Filter(Wanted(), "")


def filter_options(command: Command) -> Command:
    """Add the options that say which exceptions are meant."""
    for name, text in (
        ("team", "Only what this team looks after."),
        ("sku", "Only documents with this SKU."),
        ("entity", "Only of this legal entity."),
        ("channel", "Only of this channel."),
        ("process", "Only of this process, such as order.intake."),
        ("cause", "Only of this cause, such as unknown-item."),
    ):
        command = click.option(f"--{name}", default="", help=text)(command)
    return command


@exceptions.command("list")
@filter_options
@click.option("--first", default=0, show_default=True, help="Leave out so many, for a next page.")
@count_option("How many lines at most.")
@by_option
@json_option
def list_held(first: int, count: int, by: str, *, as_json: bool, **named: str) -> None:
    """List what is held or waits: by cause, then one by one, the first deadline first."""
    chosen = _filter(**named)
    found = run(_list(chosen, first, count, by))
    if as_json:
        print_json(readout.listing(found, first))
    else:
        view.listing(found, first, everything=chosen.empty)


@exceptions.command()
@click.argument("transaction_id")
@click.option("--unmask", is_flag=True, help="Show customers' data; it is written down.")
@reason_option
@by_option
@json_option
def show(transaction_id: str, reason: str, by: str, *, unmask: bool, as_json: bool) -> None:
    """Show one transaction: what it says, what happened, what the ERP said, what to do."""
    found = run(_show(transaction_id, reason, by, unmask=unmask))
    if as_json:
        print_json(readout.shown(found))
    else:
        view.shown(readout.shown(found))


@exceptions.command()
@click.argument("transaction_id")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE",
              help="Set a field, such as lines/0/sku=TEE-BLK-L; may be repeated.")  # fmt: skip
@click.option("--patch", help="A JSON merge patch (RFC 7396) instead; - reads it from stdin.")
@reason_option
@revision_option
@by_option
@json_option
def edit(
    transaction_id: str, settings: tuple[str, ...], patch: str | None, reason: str,
    revision: int | None, by: str, *, as_json: bool,
) -> None:  # fmt: skip
    """Correct a field of a held transaction, such as a SKU; what waits goes by itself after.

    What the channel sent is kept, and a repeat of it gets the first answer as before. What
    identifies the transaction and what was paid cannot be changed.
    """
    given = sys.stdin.read() if patch == "-" else patch
    if bool(settings) == (given is not None):
        raise click.UsageError("say what to change, by --set (one or more) or by --patch")
    done = run(_edit(transaction_id, settings, given, reason, revision, by))
    if as_json:
        print_json(readout.corrected(done))
        return
    for change in done.changes:
        click.echo(f"{change.pointer}: {change.before or 'nothing'} -> {change.after or 'nothing'}")
    click.echo(f"{transaction_id} is at revision {done.revision}; let it go with")
    click.echo(f"  coexist exceptions retry {transaction_id}")


@exceptions.command()
@click.argument("transaction_ids", nargs=-1)
@filter_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what it would set going.")
@reason_option
@by_option
@json_option
def retry(
    transaction_ids: tuple[str, ...], reason: str, by: str, *, yes: bool, dry_run: bool,
    as_json: bool, **named: str,
) -> None:  # fmt: skip
    """Try again what was put right: by TRANSACTION_IDS, or all that the options name.

    Several at once go behind live traffic. What was ever sent is looked for in its ERP first.
    """
    wanted = _filter(**named)
    if bool(transaction_ids) != wanted.empty:
        raise click.UsageError("name transactions, or what to retry by an option such as --cause")
    if transaction_ids:
        _retry_named(transaction_ids, reason, by, as_json=as_json)
        return
    expected = run(_estimate(wanted, by))
    if not as_json:
        view.estimate(expected)
    done = Released(0, 0)
    if expected.count and not dry_run:
        if not yes:
            click.confirm("Release them?", abort=True, err=True)
        done = run(_retry_all(wanted, expected.count, reason, by))
        if not as_json:
            click.echo(f"released {done.released}; {done.gone} were no longer held")
    if as_json:
        print_json(readout.estimate(expected) | readout.released(done))


def _retry_named(transaction_ids: tuple[str, ...], reason: str, by: str, *, as_json: bool) -> None:
    refused = run(_retry(transaction_ids, reason, by))
    if as_json:
        done = [it for it in transaction_ids if it not in refused]
        print_json({"retried": done, "refused": refused})
    else:
        for it in transaction_ids:
            click.echo(refused.get(it, f"{it} is tried again; `coexist exceptions show {it}`"))
    if refused:
        sys.exit(1)


@exceptions.command()
@click.argument("transaction_id")
@click.option("--with-followers", is_flag=True, help="Discard what follows it in its order too.")
@reason_option
@revision_option
@by_option
@json_option
def discard(
    transaction_id: str, reason: str, revision: int | None, by: str, *, with_followers: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Give a held transaction up: it is never booked, and its channel is told so.

    What was ever sent is looked for in its ERP first; what may be booked is not discarded.
    """
    done = run(_discard(transaction_id, reason, revision, by, with_followers=with_followers))
    if as_json:
        print_json(readout.given_up(done))
        return
    for one in done.transaction_ids:
        click.echo(f"discarded {one}")
    if done.held:
        click.echo(f"held now, because it follows: {done.held}")


def _filter(cause: str, process: str, channel: str, entity: str, sku: str, team: str) -> Filter:
    _known("--cause", cause, [it.value for it in Cause])
    _known("--process", process, PROCESSES)
    return Filter(Wanted(cause, process, channel, entity, sku), team)


def _known(option: str, value: str, known: Collection[str]) -> None:
    """Refuse what could never be found, rather than find nothing."""
    if value and value not in known:
        raise click.BadParameter(
            f"{value!r} is none; there are {', '.join(sorted(known))}", param_hint=option
        )


@asynccontextmanager
async def _at_work(by: str) -> AsyncIterator[tuple[Exceptions, Corrector, Staff]]:
    from gateway.flow.calls import Caller

    async with installation() as parts:
        staff = acting(parts.settings, by)
        caller = Caller(parts.quotas, parts.clock, parts.windows)
        yield Exceptions(parts.bench), Corrector(parts.bench, parts.erps, caller), staff


async def _list(chosen: Filter, first: int, count: int, by: str) -> Listing:
    async with _at_work(by) as (desk, _, staff):
        wanted = of_team(chosen.wanted, chosen.team, desk.teams)
        return await desk.listing(staff, wanted, first=first, count=count)


async def _show(transaction_id: str, reason: str, by: str, *, unmask: bool) -> Shown:
    async with _at_work(by) as (desk, _, staff):
        return await desk.show(staff, transaction_id, unmask=unmask, reason=reason)


async def _edit(
    transaction_id: str, settings: tuple[str, ...], patch: str | None, reason: str,
    revision: int | None, by: str,
) -> Corrected:  # fmt: skip
    async with _at_work(by) as (_, corrector, staff):
        if patch is None:
            revision, wanted = await corrector.patch_of(transaction_id, settings, revision)
        else:
            wanted = view.parsed_patch(patch)
        return await corrector.edit(staff, transaction_id, wanted, reason=reason, revision=revision)


async def _retry(transaction_ids: tuple[str, ...], reason: str, by: str) -> dict[str, str]:
    refused = {}
    async with _at_work(by) as (desk, _, staff):
        for transaction_id in transaction_ids:
            try:
                await desk.retry(staff, transaction_id, reason)
            except (Conflict, NotFound) as error:
                refused[transaction_id] = error.detail
    return refused


async def _estimate(chosen: Filter, by: str) -> Estimate:
    async with _at_work(by) as (desk, _, staff):
        return await desk.estimate(staff, of_team(chosen.wanted, chosen.team, desk.teams))


async def _retry_all(chosen: Filter, count: int, reason: str, by: str) -> Released:
    async with _at_work(by) as (desk, _, staff):
        wanted = of_team(chosen.wanted, chosen.team, desk.teams)
        return await desk.retry_all(staff, wanted, count=count, reason=reason)


async def _discard(
    transaction_id: str, reason: str, revision: int | None, by: str, *, with_followers: bool
) -> GivenUp:
    async with _at_work(by) as (_, corrector, staff):
        return await corrector.discard(
            staff, transaction_id, reason=reason, revision=revision, with_followers=with_followers
        )
