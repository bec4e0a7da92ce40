"""For operators: the peak mode."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import rich_click as click

from gateway.canonical.exchange import Peak
from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting
from gateway.flow.peak import PeakMode

reason_option = click.option("--reason", required=True, help="Why, for the audit log.")


@click.group()
def peak() -> None:
    """Peak mode: what can wait is not delivered while it is on, so that the rest goes faster."""


@peak.command()
@reason_option
@by_option
@json_option
def on(reason: str, by: str, *, as_json: bool) -> None:
    """Pause the classes named by `delivery.peak_pauses`; they are still accepted."""
    _say(run(_switch(by, reason, on=True)), as_json=as_json)


@peak.command()
@reason_option
@by_option
@json_option
def off(reason: str, by: str, *, as_json: bool) -> None:
    """Let everything be delivered again."""
    _say(run(_switch(by, reason, on=False)), as_json=as_json)


@peak.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show whether it is on, since when, by whom and why."""
    _say(run(_status()), as_json=as_json)


async def _switch(by: str, reason: str, *, on: bool) -> dict[str, Any]:
    async with installation() as parts:
        mode = PeakMode(parts.peaks, parts.auditor, parts.clock)
        staff = acting(parts.settings, by)
        if on:
            return _told(await mode.on(staff, reason), parts.settings.delivery.peak_pauses)
        await mode.off(staff, reason)
        return _told(None, parts.settings.delivery.peak_pauses)


async def _status() -> dict[str, Any]:
    async with installation() as parts:
        return _told(await parts.peaks.peak(), parts.settings.delivery.peak_pauses)


def _told(found: Peak | None, pauses: str) -> dict[str, Any]:
    return {"on": found is not None, "pauses": pauses, **(asdict(found) if found else {})}


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found["on"]:
        click.echo(
            f"on since {found['at']} by {found['by']}: {found['reason']}; class "
            f"{found['pauses']} and below wait"
        )
    else:
        click.echo("off: every class is delivered")
