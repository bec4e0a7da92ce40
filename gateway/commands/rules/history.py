"""What was in force, and what is."""

from __future__ import annotations

from typing import Final

import rich_click as click

from gateway.commands.common import count_option, installation, json_option, print_json, run


@click.command()
@count_option("How many lines.")
@json_option
def history(count: int, *, as_json: bool) -> None:
    """List flips, the newest first, and what is in force."""
    run(_history(count, as_json=as_json))


async def _history(count: int, *, as_json: bool) -> None:
    async with installation() as parts:
        publication = await parts.book.publication()
        lines = await parts.ledger.history(count)
    if as_json:
        print_json({
            "in_force": {
                "epoch": publication.marker.epoch, "version": publication.marker.version
            },
            "open": None if publication.pending is None else {
                "epoch": publication.pending.epoch, "version": publication.pending.version,
                "by": publication.by,
            },
            "history": [
                {"epoch": it.epoch, "version": it.version, "kind": it.kind, "by": it.by,
                 "note": it.note, "at": it.at.isoformat()}
                for it in lines
            ],
        })  # fmt: skip
        return
    if not lines:
        click.echo("no rules were ever applied; run `coexist rules apply`")
    for it in lines:
        here = "*" if it.epoch == publication.marker.epoch else " "
        click.echo(f"{here} {it.epoch:>4} {it.version} {it.kind:<8} {it.at:%Y-%m-%d %H:%M:%S} "
                   f"{it.by}  {it.note}")  # fmt: skip
    if publication.pending is not None:
        click.echo(
            f"  {publication.pending.epoch:>4} {publication.pending.version} is being applied by "
            f"{publication.by}"
        )


COMMANDS: Final = (history,)
