"""For whoever has to vouch for what was changed: the audit log."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import rich_click as click

from gateway.canonical.audit import AuditRow, Chain, Head
from gateway.commands.common import count_option, installation, json_option, print_json, run
from gateway.flow.audit import Verdict


@click.group()
def audit() -> None:
    """What staff changed: an append-only log in which each row holds the hash of the one before."""


@audit.command("list")
@count_option("How many rows.")
@json_option
def list_rows(count: int, *, as_json: bool) -> None:
    """List what was changed, by whom and why, the newest first."""
    rows = run(_newest(count))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    if not rows:
        click.echo("nothing was changed yet")
    for row in rows:
        why = f"  ({row.reason})" if row.reason else ""
        click.echo(
            f"{row.number:>6} {row.at[:19]} {row.by:<12} {row.action:<20} {row.subject}{why}"
        )


@audit.command()
@click.option("--head", help="A head kept elsewhere, NUMBER:HASH: the log must run through it.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Check an exported file instead of the log.",
)
@json_option
def verify(head: str | None, file: Path | None, *, as_json: bool) -> None:
    """Follow the chain of hashes; name the first row that is broken, or the newest one.

    A chain by itself cannot show that its newest rows were cut off, nor that all hashes were
    computed anew by somebody who can write the database. Keep the head this prints where such a
    person cannot reach, and give it back with --head: then both show.
    """
    kept = None if head is None else Head.parse(head)
    verdict = run(_verdict(kept)) if file is None else _verdict_of(file, kept)
    if as_json:
        print_json({
            "whole": verdict.whole, "rows": verdict.rows, "head": str(verdict.head),
            "broken": verdict.broken,
        })  # fmt: skip
    elif verdict.whole:
        click.echo(f"{verdict.rows} row(s), each follows the one before")
        click.echo(f"head {verdict.head}")
    else:
        click.echo(f"BROKEN: {verdict.broken}")
        click.echo(f"whole up to {verdict.head}")
    if not verdict.whole:
        sys.exit(1)


@audit.command()
@click.option("--after", default=0, show_default=True, help="Only rows behind this number.")
@click.option("--output", type=click.File("w"), default="-", help="Where to write; - is stdout.")
def export(after: int, output: TextIO) -> None:
    """Write the log as JSON lines, the oldest first; `audit verify --file` checks such a file."""
    run(_export(after, output))


async def _newest(count: int) -> list[AuditRow]:
    async with installation() as parts:
        return list(await parts.ledger.newest(count))


async def _verdict(kept: Head | None) -> Verdict:
    async with installation() as parts:
        return await parts.auditor.verify(kept)


def _verdict_of(file: Path, kept: Head | None) -> Verdict:
    chain = Chain(kept)
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            broken = chain.broken_by(AuditRow.read(line))
            if broken:
                return Verdict(chain.head.number, chain.head, broken)
    return Verdict(chain.head.number, chain.head, chain.ended_early())


async def _export(after: int, output: TextIO) -> None:
    async with installation() as parts:
        async for row in parts.auditor.rows(after):
            output.write(row.line() + "\n")
