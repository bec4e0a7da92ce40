"""For operations: what the ERPs allow, who uses how much of it, and what is closed."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from gateway.canonical.process import ERPS, Target
from gateway.canonical.staff import Action
from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting

if TYPE_CHECKING:
    from gateway.canonical.exchange import Limits, QuotaUse


@click.group()
def quota() -> None:
    """Quotas: what each ERP allows, who uses it, what is closed."""


@quota.command()
@json_option
def show(*, as_json: bool) -> None:
    """Show use by window and kind of traffic, places, closures and the breaker."""
    found = run(_found())
    if as_json:
        print_json({erp.value: _told(*it) for erp, it in found.items()})
        return
    for erp, it in found.items():
        _print(erp, *it)


@quota.command("profiles")
@json_option
def list_profiles(*, as_json: bool) -> None:
    """List the published profiles a configuration may name, with their sources."""
    from gateway.settings.quota import profiles

    known = profiles()
    if as_json:
        print_json([it.model_dump() for it in known.values()])
        return
    table = Table()
    table.add_column("profile", no_wrap=True)  # to be typed
    for name in ("system", "at once", "windows"):
        table.add_column(name)
    for it in known.values():
        windows = ", ".join(f"{w.calls_max:,} in {w.window_s:g} s" for w in it.windows) or "none"
        places = "found" if it.adaptive else str(it.concurrent_max)
        table.add_row(it.profile, it.system, places, windows)
    Console().print(table)


@quota.command()
@click.argument("erp", type=click.Choice([it.value for it in ERPS]))
@click.option("--reason", required=True, help="Why it is certain that the ERP saw no calls.")
@by_option
@json_option
def reset(erp: str, reason: str, by: str, *, as_json: bool) -> None:
    """Say that ERP has seen no call of ours within its windows, and open it.

    After the store was lost, every window counts as full: up to five minutes, or a day under a
    daily cap. Whoever knows better may say so; it is written into the audit log first.
    """
    run(_reset(Target(erp), reason, by))
    if as_json:
        print_json({"erp": erp, "opened": True})
    else:
        click.echo(f"{erp}: the windows count as empty, the key is open")


async def _found() -> dict[Target, tuple[str, Limits, QuotaUse]]:
    from gateway.wiring import profile_of

    async with installation() as parts:
        return {
            erp: (profile_of(parts.settings, erp), parts.limits[erp], await parts.quotas.usage(erp))
            for erp in ERPS
        }


async def _reset(erp: Target, reason: str, by: str) -> None:
    async with installation() as parts:
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.QUOTA_RESET, erp.value, reason)
        await parts.quotas.open(erp, anew=True)


def _told(profile: str, limits: Limits, use: QuotaUse) -> dict[str, Any]:
    return {
        "profile": profile,
        "places": use.places,
        "queue": use.queue,
        "in_flight": use.in_flight,
        "flying": {kind.label: count for kind, count in use.flying.items()},
        "waiting": {kind.label: count for kind, count in use.waiting.items()},
        "windows": [asdict(it) for it in use.windows],
        "closed_ms": use.closed_ms,
        "breaker": use.breaker,
        "open_ms": use.open_ms,
        "failures": use.failures,
        "adaptive": limits.adaptive is not None,
        "lost": use.lost,
    }


def _print(erp: Target, profile: str, limits: Limits, use: QuotaUse) -> None:
    flying = ", ".join(f"{count} {kind.label}" for kind, count in use.flying.items() if count)
    waiting = ", ".join(f"{count} {kind.label}" for kind, count in use.waiting.items() if count)
    found = " (found, no limit is published)" if limits.adaptive else ""
    click.echo(f"{erp} ({profile}): {use.in_flight} of {use.places} + {use.queue} at once{found}")
    click.echo(f"  in flight: {flying or 'nothing'}; in line: {waiting or 'nobody'}")
    if use.closed_ms:
        click.echo(f"  closed for {use.closed_ms / 1000:.1f} s more")
    if use.breaker != "closed":
        click.echo(f"  breaker {use.breaker} after {use.failures} failures, {use.open_ms} ms more")
    if use.lost:
        click.echo("  its ledger is lost: every window counts as full from the next turn")
    for it in use.windows:
        if it.free_in_ms is not None:
            free_s = it.free_in_ms / 1000
            click.echo(f"  the window of {it.span_ms / 1000:g} s is full: free in {free_s:.1f} s")
    if not use.windows:
        click.echo("  no window")
        return
    table = Table("window", "used", "of", "readers", "kept for them", "lent", "replay", "shadow")
    for it in use.windows:
        figures = (it.used, it.calls_max, it.read, it.reserve, it.lent, it.replay, it.shadow)
        table.add_row(f"{it.span_ms / 1000:g} s", *(f"{figure:,}" for figure in figures))
    Console(file=sys.stdout).print(table)
