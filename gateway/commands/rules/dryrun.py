"""What rules would have done to recorded traffic."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rich_click as click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.canonical.exchange import DryRun
from gateway.commands.common import by_option, installation, json_option, run
from gateway.commands.rules.dryrun_html import page
from gateway.commands.rules.sources import MOMENT, from_source
from gateway.flow.dryrun import DryRuns, Quota
from gateway.policy.quotas import tightest

if TYPE_CHECKING:
    from gateway.wiring import Parts

#: Rows of a table on the terminal; the files have all.
_ROWS_MAX: Final = 12


@click.command()
@click.argument("draft", required=False)
@click.option("--since", type=MOMENT, default="7d", show_default=True, help="7d, 12h, or a time.")
@click.option("--until", type=MOMENT, default="now", show_default=True, help="… up to this time.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report as JSON, to propose the rules with.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report as a page with plots that needs no network.",
)
@by_option
@json_option
def dryrun(
    draft: str | None,
    since: datetime,
    until: datetime,
    evidence: Path | None,
    html: Path | None,
    by: str,
    *,
    as_json: bool,
) -> None:
    """Decide recorded traffic again under DRAFT, a folder of rule files or a stored version.

    Shows what would move, which objects and customers would then be in conflict, and what each
    ERP would have to take. Nothing is sent and nothing is changed.
    """
    if since >= until:
        raise click.UsageError(f"--since {since:%Y-%m-%d %H:%M} is not before --until")
    done = run(_dryrun(draft, since, until, by, quiet=as_json))
    report = json.loads(done.report)
    if evidence is not None:
        evidence.write_text(done.report + "\n", encoding="utf-8")
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    if as_json:
        click.echo(done.report)
        return
    _show(report)
    for what, path in (("evidence", evidence), ("page", html)):
        if path is not None:
            click.echo(f"{what} written to {path}")


async def _dryrun(
    draft: str | None, since: datetime, until: datetime, by: str, *, quiet: bool
) -> DryRun:
    async with installation() as parts:
        rules = await from_source(parts, draft or str(parts.settings.rules_dir))
        with Progress(
            SpinnerColumn(), TextColumn("{task.completed:,.0f} decisions"), TimeElapsedColumn(),
            console=Console(stderr=True), transient=True, disable=quiet,
        ) as shown:  # fmt: skip
            task = shown.add_task("replay", total=None)
            return await dry_runs(parts).run(
                rules, _ms(since), _ms(until), by, lambda n: shown.update(task, completed=n)
            )


def dry_runs(parts: Parts) -> DryRuns:
    """Return what replays the record of an installation."""
    quotas = {}
    for erp, limits in parts.limits.items():
        window = tightest(limits)
        quotas[erp] = Quota(window.calls_max, window.span_ms / 1000, limits.places)
    return DryRuns(parts.ledger, quotas, parts.clock)


def _show(report: dict[str, Any]) -> None:
    found = report["evidence"]
    recorded, moved, conflicts = found["recorded"], found["moved"], found["conflicts"]
    console = Console()
    period = found["period"]
    console.print(f"rules {report['rules_version']} against {recorded['decisions']:,} decisions")
    console.print(f"from {period['since']} to {period['until']}")
    console.print(f"moved: {moved['decisions']:,} ({moved['share']:.1%}) {_money(moved['value'])}")
    if moved["by_entity"]:
        table = Table("process", "entity", "from", "to", "decisions", "value")
        for row in moved["by_entity"][:_ROWS_MAX]:
            table.add_row(
                row["process"], row["legal_entity"] or "-", row["from"], row["to"],
                f"{row['decisions']:,}", _money(row["value"]),
            )  # fmt: skip
        console.print(table)
    sticky = conflicts["sticky"]
    console.print(
        f"conflicts: {conflicts['ownership']['decisions']:,} requests for objects the other ERP "
        f"has, {sticky['newly_both']:,} customers newly in both ERPs, {sticky['back_to_legacy']:,} "
        "back to legacy"
    )
    for process, count in conflicts["undecided"].items():
        console.print(f"[red]no default for {process}: {count:,} decisions[/red]")
    for erp, load in found["load"].items():
        now, then = load["recorded"], load["draft"]
        delay = f", up to {then['delay_s_max']:,} s behind" if then["delay_s_max"] else ""
        console.print(
            f"{erp}: {then['calls']:,} calls (was {now['calls']:,}), peak {then['peak_share']:.0%} "
            f"of its quota (was {now['peak_share']:.0%}){delay}"
        )
    console.print(f"evidence {report['evidence_hash']}", soft_wrap=True)


def _money(values: dict[str, str]) -> str:
    return ", ".join(f"{amount} {code}" for code, amount in values.items())


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


COMMANDS: Final = (dryrun,)
