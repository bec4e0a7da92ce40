"""For operators: a store that is older than the ledger."""

from __future__ import annotations

from typing import Any

import rich_click as click

from gateway.commands.common import installation, json_option, print_json, run
from gateway.flow.recover import behind


@click.group()
def recover() -> None:
    """Recovery of a store that was restored from a copy, or lost its newest writes.

    Workers do it by themselves before they deliver anything; meanwhile nothing is accepted.
    """


@recover.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show which partitions are behind the ledger; nothing is accepted until none is."""
    found = run(_status())
    if as_json:
        print_json(found)
        return
    for it in found["behind"]:
        state = "being recovered" if it["recovering"] else "waits for a worker"
        where = f"store at {it['store']}, ledger at {it['ledger']}"
        click.echo(f"partition {it['partition']}: {where}, {state}")
    if not found["behind"]:
        click.echo(f"whole: none of {found['partitions']} partitions is behind the ledger")


async def _status() -> dict[str, Any]:
    async with installation() as parts:
        checkpoints = await parts.ledger.checkpoints()
        standings = await parts.recovery.standings()
    return {
        "partitions": len(standings),
        "behind": [
            {
                "partition": number,
                "store": it.newest,
                "ledger": checkpoints.get(number, "0-0"),
                "recovering": bool(it.recovering_from),
            }
            for number, it in enumerate(standings)
            if behind(it, checkpoints.get(number, "0-0"))
        ],
    }
