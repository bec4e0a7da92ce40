"""What candidates answered otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from gateway.commands.common import installation, json_option, print_json, run
from gateway.commands.rules.sources import MOMENT
from gateway.flow.shadow_report import shadow_report


@click.group()
def shadow() -> None:
    """Comparisons of the ERP that serves with the one that shall."""


@shadow.command()
@click.option("--since", type=MOMENT, default="7d", show_default=True, help="7d, 12h, or a time.")
@json_option
def report(since: datetime, *, as_json: bool) -> None:
    """List what differs, by process and field, with examples; the control's own noise is taken off.

    The exit code does not say whether anything differs: what is too much, a wave's guardrails say.
    """
    found = run(_report(since))
    if as_json:
        print_json(found)
        return
    if not found["processes"]:
        click.echo("nothing was compared; name a shadow in a rule: `shadow: cloud` beside its mode")
        return
    console = Console()
    for process in found["processes"]:
        _show(console, process)


async def _report(since: datetime) -> dict[str, Any]:
    async with installation() as parts:
        return await shadow_report(parts.ledger, since)


def _show(console: Console, process: dict[str, Any]) -> None:
    console.print(
        f"{process['process']} against {process['candidate']}: {process['different']:,} of "
        f"{process['compared']:,} differ ({process['rate']:.2%}); {process['failed']:,} without an "
        f"answer, {process['skipped']:,} not asked, {process['controls']:,} asked twice"
    )
    if len(process["days"]) > 1:
        trend = (f"{it['day'][5:]}: {it['different']:,}/{it['compared']:,}"
                 for it in process["days"][-7:])  # fmt: skip
        console.print(f"  by day  {'   '.join(trend)}")
    if not process["fields"]:
        return
    table = Table("field", "differs", "noise", "net", "example", "control", "candidate")
    for it in process["fields"]:
        example = it["examples"][0] if it["examples"] else {}
        table.add_row(
            it["path"] or "(existence)", f"{it['different']:,} ({it['rate']:.2%})",
            f"{it['noise_rate']:.2%}", f"{it['net_rate']:.2%}",
            example.get("business_key", ""), example.get("control", ""),
            example.get("candidate", ""),
        )  # fmt: skip
    console.print(table)
