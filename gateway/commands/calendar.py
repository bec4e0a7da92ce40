"""For engineers: when the ERPs are closed, as the window files say it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import rich_click as click

from gateway.canonical.process import ERPS, Target
from gateway.canonical.window import ErpWindow, Span
from gateway.clock import SystemClock
from gateway.commands.common import end_with, json_option, print_json
from gateway.errors import ConfigError, RuleProblem, WindowsError
from gateway.policy.windows import Call, Closed, Windows
from gateway.routing.window_files import load_windows
from gateway.settings import load

#: Closed for longer than this from any moment of the next week: such windows leave no time to work.
CLOSED_DAYS_MAX: Final = 21
_DEADLINE_MS: Final = 60_000

directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of window files, instead of the configured one.",
)


@click.group()
def calendar() -> None:
    """Maintenance and batch windows of the ERPs: no call starts that could reach into one."""


@calendar.command()
@directory_option
@json_option
def check(directory: Path | None, *, as_json: bool) -> None:
    """Check all window files; list every problem with file, line and remedy."""
    try:
        windows = _windows(directory)
        _leave_time(windows, SystemClock().now())
    except WindowsError as error:
        if not as_json:
            raise
        end_with(error.problems)
    if as_json:
        print_json({"ok": True, "windows": len(windows.all), "problems": []})
    else:
        _say_if_none(windows, directory)
        click.echo(f"{len(windows.all)} window(s), no problems")


@calendar.command()
@directory_option
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 400), help="How far.")
@json_option
def show(directory: Path | None, days: int, *, as_json: bool) -> None:
    """List when the ERPs are closed, in the local time of each window and in UTC."""
    windows, now = _windows(directory), SystemClock().now()
    found = sorted(_occurrences(windows, now, now + timedelta(days=days)), key=lambda it: it[1])
    if as_json:
        print_json([_as_json(window, span) for window, span in found])
        return
    _say_if_none(windows, directory)
    if not found:
        click.echo(f"no window within {days} day(s)")
    for window, span in found:
        click.echo(_line(window, span))


@calendar.command("next")
@directory_option
@json_option
def coming(directory: Path | None, *, as_json: bool) -> None:
    """Say of each ERP whether a call may start now, and if not, when."""
    windows, now = _windows(directory), SystemClock().now()
    rows = [_state(windows, erp, now, writes=writes) for erp in ERPS for writes in (True, False)]
    if as_json:
        print_json(rows)
        return
    _say_if_none(windows, directory)
    for row in rows:
        closed = f"closed until {row['until']} by {row['window']}" if row["until"] else "open"
        then = f"; next: {row['next_window']} at {row['next_at']}" if row["next_at"] else ""
        click.echo(f"{row['erp']:<7} {row['calls']:<7} {closed}{then}")


def _windows(directory: Path | None) -> Windows:
    if directory is not None:
        return Windows(load_windows(directory))
    try:
        configured = load().windows_dir
    except ConfigError as error:
        raise ConfigError(f"{error}; or name a folder with --directory") from error
    return Windows(load_windows(configured))


def _say_if_none(windows: Windows, directory: Path | None) -> None:
    """Say where windows would be looked for: none at all may be meant, or forgotten."""
    if windows.all:
        return
    if directory is None and load().windows_dir is None:
        click.echo("windows_dir is not configured: the ERPs count as always open")
    else:
        click.echo("no window is written down there: the ERPs count as always open")


def _leave_time(windows: Windows, now: datetime) -> None:
    """Raise :class:`WindowsError` for an ERP that no call could ever reach."""
    problems = []
    for erp in ERPS:
        closed = windows.gate(Call(erp, writes=True), now, _DEADLINE_MS)
        if closed is not None and closed.until - now > timedelta(days=CLOSED_DAYS_MAX):
            problem = f"{erp} is closed without a break for more than {CLOSED_DAYS_MAX} days"
            remedy = "leave time between the windows, or put its processes on hold by a rule"
            problems.append(RuleProblem("(all files)", 1, 1, closed.window_id, problem, remedy))
    if problems:
        raise WindowsError(problems)


def _occurrences(
    windows: Windows, start: datetime, end: datetime
) -> Iterator[tuple[ErpWindow, Span]]:
    for window in windows.all:
        for span in window.spans(start, end):
            yield window, span


def _as_json(window: ErpWindow, span: Span) -> dict[str, object]:
    return {
        "erp": window.erp,
        "window": window.window_id,
        "blocks": "writes" if window.writes_only else "all",
        "processes": sorted(window.processes),
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "time_zone": window.zone.key,
        "why": window.why,
    }


def _line(window: ErpWindow, span: Span) -> str:
    start, end = span.start.astimezone(window.zone), span.end.astimezone(window.zone)
    what = "writes" if window.writes_only else "all calls"
    of = f" of {', '.join(sorted(window.processes))}" if window.processes else ""
    why = f"  ({window.why})" if window.why else ""
    return (
        f"{window.erp:<7} {start:%a %Y-%m-%d %H:%M} to {end:%a %H:%M %Z} "
        f"({span.start:%H:%M} to {span.end:%H:%M} UTC)  {window.window_id}: {what}{of}{why}"
    )


def _state(windows: Windows, erp: Target, now: datetime, *, writes: bool) -> dict[str, object]:
    call = Call(erp, writes=writes)
    closed: Closed | None = windows.gate(call, now, 0)
    later = closed.until if closed else now
    spans = [
        it for it in windows.coming(call, later, later + timedelta(days=31)) if it.start > later
    ]
    return {
        "erp": erp.value,
        "calls": "writes" if writes else "reads",
        "until": closed.until.isoformat() if closed else None,
        "window": closed.window_id if closed else None,
        "next_window": spans[0].window_id if spans else None,
        "next_at": spans[0].start.isoformat() if spans else None,
    }
