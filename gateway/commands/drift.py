"""For those who look after channels: what came that nobody announced."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import rich_click as click

from gateway.commands.common import count_option, installation, json_option, print_json, run
from gateway.errors import NotFound

if TYPE_CHECKING:
    from gateway.canonical.exchange.drifting import Drift


@click.command()
@click.option("--channel", default="", help="Only this channel.")
@count_option("How many surprises to list, what came last first.")
@json_option
def drift(channel: str, count: int, *, as_json: bool) -> None:
    """List what channels sent that nobody announced: new fields, nulls, new values.

    Nothing of it stopped anything: the payload was taken and kept. Counts are those of all
    gateways since the installation began, written every few seconds.
    """
    found = run(_found(channel, count))
    if as_json:
        print_json([asdict(it) for it in found])
        return
    if not found:
        of = f"channel {channel}" if channel else "any channel"
        click.echo(f"nothing unannounced came from {of}; docs/how-to/watch-drift.md says what is")
        return
    for it in found:
        _say(it)


async def _found(channel: str, count: int) -> list[Drift]:
    async with installation() as parts:
        if channel and channel not in parts.settings.channels:
            known = ", ".join(sorted(parts.settings.channels)) or "none"
            raise NotFound(f"no channel {channel!r} is configured; there are: {known}")
        return list(await parts.ledger.drifts(channel, count))


def _say(it: Drift) -> None:
    where = f"{it.path} = {it.value!r}" if it.kind == "value" and it.value else it.path
    click.echo(
        f"{it.channel:12} {it.payload:12} {it.kind:5}  {where:40} {it.count:>7} x  "
        f"{it.first_at:%Y-%m-%d %H:%M} to {it.last_at:%Y-%m-%d %H:%M} UTC"
    )
    if it.example:
        click.echo(f"  first {it.example}")
