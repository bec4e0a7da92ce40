"""How exceptions look on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from gateway.canonical.exchange import Listed
from gateway.canonical.worth import amount_text
from gateway.flow.exceptions import Estimate, Listing
from gateway.policy.drain import span
from gateway.policy.triage import Group


def listing(found: Listing, first: int, *, everything: bool) -> None:
    """Print groups and lines, or that there are none of all, or of those that were named."""
    if not found.total:
        of = "" if everything else " of what these options name"
        click.echo(f"nothing{of} is held, and nothing waits for a cause")
        return
    console = Console()
    now = datetime.now(UTC)
    for waits, title in ((False, "Held: staff have to act"), (True, "Waits, tried by itself too")):
        rows = [it for it in found.groups if it.waits == waits]
        if rows:
            console.print(_groups(rows, title, now))
            for row in rows:
                click.echo(f"{row.cause}: {row.remedy}")
    for it, _ in found.items:
        click.echo(_line(it, now))
    shown_upto = first + len(found.items)
    if shown_upto < found.total:
        click.echo(f"{first + 1} to {shown_upto} of {found.total}; next: --first {shown_upto}")


def shown(it: Mapping[str, Any]) -> None:
    """Print one transaction."""
    click.echo(f"{it['transaction_id']}  {it['process']}  {it['channel']} {it['reference']}")
    state = "waits" if it["waits"] else it["state"]
    click.echo(f"state      {state}{_behind(': ', it['cause'])}")
    click.echo(
        f"ERP        {it['erp'] or 'not decided yet'}{_behind(', document ', it['document'])}"
    )
    if it["shaped_by"]:
        click.echo(f"chain      {it['shaped_by']}")
    if it["erp_said"]:
        click.echo(f"it said    {it['erp_said']}")
    click.echo(f"team       {it['team']}{_behind(', steward ', it['steward'])}")
    click.echo(f"next       {it['next_step']}")
    if it["open_attempt_s"] is not None:
        click.echo(f"attempt    open for {it['open_attempt_s']:.0f} s: it may be booked")
    revision = "not in the buffer any more" if it["revision"] is None else it["revision"]
    click.echo(f"revision   {revision}")
    for follower in it["followers"]:
        click.echo(f"behind it  {follower['transaction_id']}  {follower['process']}")
    click.echo("document   " + _indented(it["body"]))
    if it["original"] is not None:
        click.echo("as sent    " + _indented(it["original"]))
    click.echo("history")
    for event in it["history"]:
        rest = ", ".join(f"{k} {v}" for k, v in event.items() if k not in ("event", "at") and v)
        click.echo(f"  {event['at']}  {event['event']:<10} {rest}")


def estimate(it: Estimate) -> None:
    """Print what a release would set going."""
    if not it.count:
        click.echo("nothing is held that this names")
        return
    things = "transaction is" if it.count == 1 else "transactions are"
    click.echo(f"{it.count} {things} held or waiting for a cause, {money(it.money)}")
    for drain in it.drains:
        ahead = f" behind {drain.ahead} that wait" if drain.ahead else ""
        click.echo(
            f"  {drain.erp or 'no ERP yet'}: {drain.count}{ahead}; at least {span(drain.quota_s)} "
            f"by its quota, {span(drain.measured_s)} at its busiest of the last hour"
        )
    if it.peak is not None:
        click.echo(
            f"but the peak mode is on since {it.peak.at}, by {it.peak.by}: what is released in "
            "bulk waits until `coexist peak off`; by its id, one goes in its own class"
        )


def money(amounts: Mapping[str, str]) -> str:
    """Say amounts by currency."""
    return ", ".join(f"{text} {currency}" for currency, text in amounts.items()) or "no money"


def parsed_patch(text: str) -> dict[str, Any]:
    """Read a JSON object off the command line."""
    try:
        patch = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--patch is not JSON: {error}") from None
    if not isinstance(patch, dict):
        raise click.UsageError('--patch is no JSON object; write it as {"field": "value"}')
    return patch


def _groups(rows: list[Group], title: str, now: datetime) -> Table:
    table = Table(title=title, title_justify="left", expand=True)
    for name in ("cause", "count", "money", "deadline", "oldest", "team"):
        table.add_column(name, overflow="fold", no_wrap=name in {"cause", "money"})
    for it in rows:
        teams = ", ".join(it.teams)
        stewards = f" ({', '.join(it.stewards)})" if it.stewards else ""
        table.add_row(
            it.cause, str(it.count), "\n".join(f"{a} {c}" for c, a in it.money.items()) or "-",
            _due(it.deadline_ms, now), span((now - it.oldest_at).total_seconds()),
            teams + stewards,
        )  # fmt: skip
    return table


def _line(it: Listed, now: datetime) -> str:
    """One exception: an id is to be copied, so nothing here is folded into columns."""
    amount = "-" if it.parts is None else f"{amount_text(it.parts, it.currency)} {it.currency}"
    due = _due(it.deadline_ms, now)
    return (
        f"{it.transaction_id}  {it.process}  {it.channel} {it.reference}  {it.cause}  {amount}  "
        f"{due}\n  {it.owner or 'no ERP yet'}: {it.detail}"
    )


def _due(deadline_ms: int, now: datetime) -> str:
    left_s = deadline_ms / 1000 - now.timestamp()
    return f"in {span(left_s)}" if left_s >= 0 else f"{span(-left_s)} ago"


def _behind(before: str, text: str) -> str:
    return f"{before}{text}" if text else ""


def _indented(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n           ")
