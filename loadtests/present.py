"""The audit as a table in plain words, and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.audit import Verdict
from loadtests.findings import CHAOS, DEMO, FAILURES, HAZARDS, Report

#: Findings printed in full; the JSON report has all of them.
SHOWN = 20


def as_json(report: Report, verdict: Verdict) -> dict[str, Any]:
    """The report with its verdict: ``passed`` and ``reasons``."""
    return {
        **report.as_json(),
        "passed": not verdict.reasons,
        "reasons": list(verdict.reasons),
    }


def show(report: Report, verdict: Verdict, console: Console) -> None:
    """Print what was taken, what came of it, what happened meanwhile, and the verdict."""
    console.print(_bookings(report))
    if report.channels:
        console.print(_channels(report))
    console.print(_faults(report))
    console.print(_hazards(report))
    for finding in report.findings[:SHOWN]:
        console.print(f"! {finding}", markup=False, soft_wrap=True)
    if len(report.findings) > SHOWN:
        console.print(f"! and {len(report.findings) - SHOWN} more; --json FILE has them all")
    for reason in verdict.reasons:
        console.print(f"FAILED: {reason}", style="bold red", markup=False, soft_wrap=True)
    if not verdict.reasons:
        words = f"PASSED: {report.booked_once} of {report.accepted} accepted, each booked once"
        console.print(words, style="bold green")


def _bookings(report: Report) -> Table:
    table = _table(f"What was taken and booked (seed {report.seed}, {report.duration_s:g} s)")
    rows: list[tuple[str, object]] = [
        ("transactions accepted", report.accepted),
        *_origins(report),
        ("booked exactly once", report.booked_once),
        ("documents in the legacy ERP", report.booked_legacy),
        ("documents in the cloud ERP", report.booked_cloud),
        ("accepted, and held by the gateway", report.held),
        ("refused for good", report.rejected),
        ("never answered", f"{report.unknown} ({report.unknown_booked} of them booked)"),
    ]
    accepted, booked = report.value_accepted_by_currency, report.value_booked_by_currency
    for currency in sorted({*accepted, *booked}):
        rows.append((f"value accepted, {currency}", accepted.get(currency, 0)))
        rows.append((f"value booked, {currency}", booked.get(currency, 0)))
    rows.append(("time to accept, half of the requests", f"{report.accept_p50_ms} ms"))
    rows.append(("time to accept, 99 of 100 requests", f"{report.accept_p99_ms} ms"))
    return _filled(table, rows)


def _origins(report: Report) -> list[tuple[str, object]]:
    """Where it came from, as the live view counts it; nothing if all came by the API."""
    if not report.channels:
        return []
    callers = report.accepted_from_callers
    return [
        ("  of callers of the API", callers),
        ("  sold by channels themselves", report.accepted - callers),
    ]


def _channels(report: Report) -> Table:
    """A figure of the channels' books; what the ERPs' have instead beside it, if they differ."""
    table = Table(title="What channels sold and ERPs booked", title_justify="left", min_width=72)
    pairs = (("sold", "booked"), *((of, f"{of}_booked") for of in ("quantity", "value", "tax")))
    for name in ("channel", "messages", "pieces", "value", "tax"):
        table.add_column(name, justify="left" if name == "channel" else "right")
    for name, it in sorted(report.channels.items()):
        figures = ((it[sold], it[booked]) for sold, booked in pairs)
        words = (f"{one}" if one == other else f"{one} ≠ {other}" for one, other in figures)
        table.add_row(name, *words)
    return table


def _faults(report: Report) -> Table:
    rows = [(words, getattr(report, kind)) for kind, words in FAILURES.items()]
    return _filled(_table("What must not happen"), rows)


def _hazards(report: Report) -> Table:
    rows = [(words, getattr(report, name)) for name, words in HAZARDS.items()]
    # What only some runs do is no part of the story of others.
    others = [(words, getattr(report, name)) for name, words in (DEMO | CHAOS).items()]
    rows += [row for row in others if row[1] and row not in rows]
    return _filled(_table("What happened meanwhile"), rows)


def _table(title: str) -> Table:
    table = Table(title=title, show_header=False, title_justify="left", min_width=72)
    table.add_column(ratio=1)
    table.add_column(justify="right")
    return table


def _filled(table: Table, rows: list[tuple[str, Any]]) -> Table:
    for words, value in rows:
        table.add_row(words, str(value))
    return table
