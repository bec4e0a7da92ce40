"""For stewards of master data: crosswalks, in and out, and what is missing in them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import rich_click as click

from gateway.canonical.crosswalk import Crossing, CrosswalkKind, CrosswalkVersion
from gateway.canonical.exchange import Wanted
from gateway.canonical.outcome import Cause
from gateway.canonical.process import ERPS, Target
from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting
from gateway.errors import NotFound
from gateway.flow.crosswalks import Missing, gaps_since, import_table
from gateway.flow.exceptions import RELEASED_MAX, Exceptions
from gateway.mapping.table_file import read, write

kind_argument = click.argument("kind", type=click.Choice([it.value for it in CrosswalkKind]))


@click.group()
def xref() -> None:
    """Crosswalks: what a channel's codes are called in each ERP."""


@xref.command("import")
@kind_argument
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--steward", default="", help="Who looks after this table; stays from then on.")
@click.option("--note", default="", help="Why, for the record.")
@by_option
@json_option
def import_file(kind: str, file: Path, steward: str, note: str, by: str, *, as_json: bool) -> None:
    """Make FILE (CSV: channel, source, legacy, cloud, valid_from, valid_until) the table of KIND.

    The whole table is replaced, as its next version; every wrong line is named and nothing is
    taken then. Messages that waited for a code are tried again at once.
    """
    version, fresh, released = run(_import(CrosswalkKind(kind), file, steward, note, by))
    if as_json:
        print_json({**_as_json(version), "fresh": fresh, "released": released})
        return
    what = "is in force now" if fresh else "says this already, nothing changed"
    click.echo(f"{kind} version {version.version}, {version.rows} row(s): {what}")
    if released:
        click.echo(f"{released} message(s) that waited for a code are tried again")


@xref.command()
@kind_argument
@click.option("--version", type=int, help="An older version; the newest without.")
@click.option("--output", type=click.File("w"), default="-", help="Where to write; - is stdout.")
def export(kind: str, version: int | None, output: TextIO) -> None:
    """Write the table of KIND as `import` reads it."""
    write(run(_rows(CrosswalkKind(kind), version)), output)


@xref.command("list")
@json_option
def list_all(*, as_json: bool) -> None:
    """List the tables in force, with their stewards."""
    found = run(_versions())
    if as_json:
        print_json([_as_json(it) for it in found])
        return
    if not found:
        click.echo("no crosswalk was imported: every code is the same in channels and ERPs")
    for it in found:
        click.echo(
            f"{it.kind:<9} version {it.version:<4} {it.rows:>8} row(s)  {it.at:%Y-%m-%d %H:%M} by "
            f"{it.by}  steward {it.steward or 'not named'}  {it.note}"
        )


@xref.command()
@click.option("--days", default=30, show_default=True, help="Look at what was accepted since.")
@click.option("--erp", type=click.Choice([it.value for it in ERPS]), help="One ERP only.")
@json_option
def gaps(days: int, erp: str | None, *, as_json: bool) -> None:
    """List codes of recent business that an ERP could not be told: run it before a wave.

    The exit code is 1 if there are any.
    """
    found = run(_gaps(days, [Target(erp)] if erp else list(ERPS)))
    if as_json:
        print_json([{**gap._asdict(), "messages": count} for gap, count in found])
    elif not found:
        click.echo(f"no gaps: every code of the last {days} days is known")
    else:
        for gap, count in found:
            where = f"of channel {gap.channel}" if gap.channel else ""
            click.echo(
                f"{gap.kind:<9} {gap.source:<36} {where:<28} not in {gap.erp:<7} "
                f"{count:>6} message(s)  steward {gap.steward or 'not named'}"
            )
    sys.exit(1 if found else 0)


async def _import(
    kind: CrosswalkKind, file: Path, steward: str, note: str, by: str
) -> tuple[CrosswalkVersion, bool, int]:
    async with installation() as parts:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = read(kind, text, parts.settings.channels)
        staff = acting(parts.settings, by)
        version, fresh = await import_table(
            parts.ledger, parts.auditor, parts.clock, staff, kind, rows, steward=steward, note=note
        )
        if not fresh:
            return version, fresh, 0
        wanted = Wanted(cause=Cause.CROSSWALK_GAP)
        reason = f"{kind} version {version.version}"
        done = await Exceptions(parts.bench).retry_all(
            staff, wanted, count=RELEASED_MAX, reason=reason
        )
        return version, fresh, done.released


async def _rows(kind: CrosswalkKind, version: int | None) -> list[Crossing]:
    async with installation() as parts:
        newest = {it.kind: it.version for it in await parts.ledger.crosswalk_versions()}.get(kind)
        wanted = version or newest
        if wanted is None or await parts.ledger.crosswalk_version(kind, wanted) is None:
            there = f"the newest is {newest}" if newest else "none was imported"
            raise NotFound(f"no version {wanted or 1} of crosswalk {kind}; {there}")
        return list(await parts.ledger.crosswalk_rows(kind, wanted))


async def _versions() -> list[CrosswalkVersion]:
    async with installation() as parts:
        return list(await parts.ledger.crosswalk_versions())


async def _gaps(days: int, erps: list[Target]) -> list[tuple[Missing, int]]:
    async with installation() as parts:
        since = parts.clock.now() - timedelta(days=days)
        tables, plans = parts.crosswalks.tables(), parts.settings.plans
        found = await gaps_since(parts.ledger, tables, since, erps, plans)
        return found.most_common()


def _as_json(version: CrosswalkVersion) -> dict[str, object]:
    return asdict(version)
