"""For finance: what marketplaces paid out, taken from their files row by row."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from gateway.canonical.exchange.reports import Report
from gateway.canonical.exchange.settlements import KeptSettlement
from gateway.canonical.money import plain
from gateway.channels.amazon.settlement import PROVIDER, SettlementFile
from gateway.commands.common import (
    by_option,
    count_option,
    installation,
    json_option,
    print_json,
    run,
)
from gateway.commands.proof import acting
from gateway.errors import NotFound
from gateway.flow.settlements import take_settlement

if TYPE_CHECKING:
    from gateway.channels.amazon.figures import DateOrder

PAGE = 1000


@click.group()
def settlements() -> None:
    """What marketplaces paid out: taken from their files, whole or not at all."""


@settlements.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--channel", default="", help="The channel it is of, as the configuration names it.")
@click.option("--encoding", default="utf-8", show_default=True, help="How the text is written.")
@click.option(
    "--date-order",
    type=click.Choice(["dmy", "mdy"]),
    help="How 09/06/25 is meant, in files that do not show it.",
)
@click.option(
    "--decimal", type=click.Choice([".", ","]), help="The decimal mark, if no amount shows it."
)
@by_option
@json_option
def import_file(
    file: Path,
    channel: str,
    encoding: str,
    date_order: DateOrder | None,
    decimal: str | None,
    by: str,
    *,
    as_json: bool,
) -> None:
    """Take FILE, an Amazon settlement report V2 (tab-separated), with all its rows.

    It is refused as a whole if a line cannot be read or the rows do not add up to the total it
    states. The same file again changes nothing.
    """
    try:
        "".encode(encoding)
    except LookupError:
        raise click.BadParameter(
            f"{encoding!r} is no encoding; try utf-8, cp1252 or shift_jis", param_hint="--encoding"
        ) from None
    with file.open("rb") as stream:
        reading = SettlementFile(
            stream, encoding=encoding, date_order=date_order or "", decimal=decimal or ""
        )
        kept = run(_take(reading, channel, file.name, by))
    if as_json:
        print_json(_as_json(kept))
        return
    head = kept.head
    what = "taken" if kept.fresh else "was taken before, nothing changed"
    total = plain(head.total, head.currency)
    click.echo(f"settlement {head.settlement_id} {what}: {kept.rows} rows, {total} {head.currency}")
    if kept.unknown:
        rows = sum(count for _, count in kept.unknown)
        click.echo(
            f"{rows} row(s) of {len(kept.unknown)} kind(s) that no list has; they are kept like "
            f"all others: coexist settlements show {head.settlement_id}"
        )


@settlements.command("list")
@count_option("How many.")
@json_option
def list_all(count: int, *, as_json: bool) -> None:
    """List what was taken, the newest period first."""
    found = run(_newest(count))
    if as_json:
        print_json([_as_json(it) for it in found])
        return
    if not found:
        click.echo("no settlement was taken yet; take one with `coexist settlements import FILE`")
        return
    for it in found:
        head = it.head
        total = f"{plain(head.total, head.currency)} {head.currency}"
        click.echo(
            f"{head.settlement_id:<14} {head.starts_at:%Y-%m-%d} to {head.ends_at:%Y-%m-%d} "
            f"{it.rows:>8} rows {total:>18}  {it.channel}  {it.file}"
            + (f"  ({len(it.unknown)} unknown kind(s) of rows)" if it.unknown else "")
        )


@settlements.command("reports")
@count_option("How many.")
@json_option
def list_reports(count: int, *, as_json: bool) -> None:
    """List the reports gateways found, the newest first, and what became of each."""
    found = run(_reports(count))
    if as_json:
        print_json([asdict(it) for it in found])
        return
    if not found:
        click.echo(
            "no report was found yet; gateways fetch them for channels with amazon.settlements, "
            "docs/how-to/take-settlements.md"
        )
        return
    for it in found:
        if it.settlement_id:
            became = f"settlement {it.settlement_id}"
        else:
            became = f"refused {it.tries} time(s)" if it.tries else "to be fetched"
            became += f", again from {it.due_at:%Y-%m-%d %H:%M} UTC" if it.tries else ""
        click.echo(f"{it.report_id:<14} {it.made_at:%Y-%m-%d %H:%M}  {it.channel}  {became}")
        if it.problem:
            click.echo(f"  {it.problem}")


@settlements.command()
@click.argument("settlement_id")
@json_option
def show(settlement_id: str, *, as_json: bool) -> None:
    """Show SETTLEMENT_ID by component: how many rows, and what they add up to."""
    kept, sums = run(_found(settlement_id))
    unknown = {component for component, _ in kept.unknown}
    if as_json:
        components = [
            {**component._asdict(), "rows": rows, "sum": f"{_sum(e4):f}",
             "known": component not in unknown}
            for component, rows, e4 in sums
        ]  # fmt: skip
        print_json({**_as_json(kept), "components": components})
        return
    table = Table("transaction", "amount", "description", "rows", f"sum, {kept.head.currency}", "")
    for component, rows, e4 in sums:
        mark = "unknown" if component in unknown else ""
        table.add_row(*component, str(rows), f"{_sum(e4):f}", mark)
    Console().print(table)
    total = plain(kept.head.total, kept.head.currency)
    click.echo(f"{kept.rows} rows, total {total} {kept.head.currency}, of {kept.file}")


@settlements.command()
@click.argument("settlement_id")
def rows(settlement_id: str) -> None:
    """Print every row of SETTLEMENT_ID as a line of JSON, in the order of the file."""
    run(_print_rows(settlement_id))


async def _take(reading: SettlementFile, channel: str, file: str, by: str) -> KeptSettlement:
    async with installation() as parts:
        if channel and channel not in parts.settings.channels:
            known = ", ".join(sorted(parts.settings.channels))
            raise click.BadParameter(
                f"{channel!r} is not a channel; known are {known}", param_hint="--channel"
            )
        kept = await take_settlement(
            reading, channel=channel, file=file, staff=acting(parts.settings, by),
            settlements=parts.ledger, auditor=parts.auditor,
        )  # fmt: skip
        if kept.fresh:
            of, odd = channel or PROVIDER, reading.wholes
            for surprise in reading.surprises(file):
                parts.observer.drifted(of, "settlement", surprise)
            parts.observer.surprised(of, "settlement", odd.held, odd.left_out)
        a_day = parts.settings.evidence.payloads_a_day
        await parts.observer.drifts.flush(parts.ledger, parts.clock.now(), a_day)
        return kept


async def _reports(count: int) -> list[Report]:
    async with installation() as parts:
        return list(await parts.ledger.reports(count))


async def _newest(count: int) -> list[KeptSettlement]:
    async with installation() as parts:
        return list(await parts.ledger.settlements(count))


async def _found(settlement_id: str) -> tuple[KeptSettlement, list[Any]]:
    async with installation() as parts:
        kept = await parts.ledger.settlement(PROVIDER, settlement_id)
        if kept is None:
            raise _unknown(settlement_id)
        return kept, list(await parts.ledger.settlement_sums(PROVIDER, settlement_id))


def _unknown(settlement_id: str) -> NotFound:
    return NotFound(f"no settlement {settlement_id!r} was taken; see `coexist settlements list`")


async def _print_rows(settlement_id: str) -> None:
    behind = 0
    async with installation() as parts:
        if await parts.ledger.settlement(PROVIDER, settlement_id) is None:
            raise _unknown(settlement_id)
        while page := await parts.ledger.settlement_rows(PROVIDER, settlement_id, behind, PAGE):
            for row in page:
                click.echo(_line(row._asdict()))
            behind = page[-1].ordinal


def _line(fields: dict[str, Any]) -> str:
    return json.dumps({**fields, "amount": f"{fields['amount']:f}", "extra": dict(fields["extra"])},
                      default=str, ensure_ascii=False)  # fmt: skip


def _sum(e4: int) -> Decimal:
    return Decimal(e4).scaleb(-4)


def _as_json(kept: KeptSettlement) -> dict[str, Any]:
    fields = asdict(kept) | kept.head.model_dump(mode="json")
    del fields["head"]
    fields["unknown"] = [{**it._asdict(), "rows": count} for it, count in kept.unknown]
    return fields
