"""Who owns a business object: show, import, export."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.canonical.exchange.owning import Import, ImportFault
from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting
from gateway.errors import NotFound
from gateway.flow.owner_file import OwnerFile
from gateway.flow.owner_import import OwnerImports

if TYPE_CHECKING:
    from gateway.wiring import Parts

#: Faults shown on the terminal; `--faults` writes all.
_SHOWN_MAX: Final = 20
_PAGE: Final = 5_000


@click.group()
def owner() -> None:
    """Which ERP owns a business object, and whatever is done to it."""


@owner.command()
@click.argument("object_key", metavar="OBJECT")
@json_option
def show(object_key: str, *, as_json: bool) -> None:
    """Say who owns OBJECT: order:CHANNEL:REFERENCE or store-day:STORE:YYYY-MM-DD."""
    found = run(_show(object_key))
    if as_json:
        print_json(found)
        return
    click.echo(f"{object_key}: {found['owner'] or 'owned by nobody known here'}")
    if found["source"]:
        click.echo(f"  in the ledger since {found['pinned_at']}, found by {found['source']}")
    if found["buffer"]:
        click.echo(f"  in the buffer: {found['buffer']}")
    click.echo(f"  {found['transactions']} transaction(s) here")
    if not found["owner"]:
        click.echo("  the first follow-up asks both ERPs; `coexist owner import` tells it before")


@owner.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--faults",
    "faults_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every line that was not taken, with its number and why, as CSV.",
)
@by_option
@click.option("--note", default="", help="Why, for the audit log.")
@json_option
def import_(file: Path, faults_file: Path | None, by: str, note: str, *, as_json: bool) -> None:
    """Import owners of objects that are older than the gateway from FILE, a CSV.

    Its first line names the columns: owner (legacy or cloud), and object_key, or channel and
    order_ref, or store and business_date. An import that was interrupted, however, goes on where
    it stopped when it is started again. What contradicts the ledger or an earlier line is
    reported and changes nothing; the exit code is then 1.
    """
    done, faults = run(_import(file, faults_file, by, note, quiet=as_json))
    if as_json:
        print_json({**asdict(done), "first_faults": [asdict(it) for it in faults]})
    else:
        click.echo(
            f"{done.imported:,} imported, {done.known:,} known before, {done.faults:,} not taken"
        )
        for fault in faults:
            click.echo(f"  {file}:{fault.line}: {fault.kind}: {fault.object_key} {fault.detail}")
        if done.faults > len(faults):
            click.echo(f"  and {done.faults - len(faults):,} more; --faults FILE writes them all")
    sys.exit(1 if done.faults else 0)


@owner.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--source", default="", help="Only those found by rules, lookup, flip or import.")
@json_option
def export(file: Path, source: str, *, as_json: bool) -> None:
    """Write all owners in the ledger to FILE, as a CSV that can be imported again."""
    count = run(_export(file, source))
    if as_json:
        print_json({"file": str(file), "owners": count})
    else:
        click.echo(f"{count:,} owners written to {file}")


async def _show(object_key: str) -> dict[str, Any]:
    async with installation() as parts:
        record = await parts.ledger.owner_record(object_key)
        buffered = await parts.intake.owner(object_key)
        transactions = await parts.ledger.transactions_of(object_key)
    return {
        "object": object_key,
        "owner": buffered.value if buffered else record.owner if record else None,
        "buffer": buffered.value if buffered else None,
        "source": record.source if record else None,
        "pinned_at": record.pinned_at.isoformat() if record else None,
        "transactions": len(transactions),
    }


async def _import(
    path: Path, faults_file: Path | None, by: str, note: str, *, quiet: bool
) -> tuple[Import, list[ImportFault]]:
    file = OwnerFile(path)
    async with installation() as parts:
        imports = OwnerImports(parts.ledger, parts.auditor, parts.clock)
        with Progress(
            BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.description}"),
            TimeRemainingColumn(), console=Console(stderr=True), disable=quiet,
        ) as bar:  # fmt: skip
            task = bar.add_task("", total=file.size)
            done = await imports.run(
                file, acting(parts.settings, by), note,
                lambda it: bar.update(
                    task, completed=it.offset, description=f"line {it.line:,}, {it.faults:,} faults"
                ),
            )  # fmt: skip
        if faults_file is not None:
            await _write_faults(parts, done, faults_file)
        return done, list(await parts.ledger.import_faults(done.file, 0, _SHOWN_MAX))


async def _write_faults(parts: Parts, done: Import, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("line", "object_key", "kind", "detail"))
        last = 0
        while page := await parts.ledger.import_faults(done.file, last, _PAGE):
            rows.writerows((it.line, it.object_key, it.kind, it.detail) for it in page)
            last = page[-1].line


async def _export(path: Path, source: str) -> int:
    count, last = 0, ""
    async with installation() as parts:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("object_key", "owner", "source", "pinned_at"))
            while page := await parts.ledger.owners_after(last, _PAGE, source):
                rows.writerows(
                    (it.object_key, it.owner, it.source, it.pinned_at.isoformat()) for it in page
                )
                count += len(page)
                last = page[-1].object_key
    if not count and source:
        raise NotFound(f"no owner was found by {source!r}; leave --source out for all")
    return count
