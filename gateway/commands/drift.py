"""For those who look after channels: what came that nobody announced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import rich_click as click

from gateway.commands.common import (
    by_option,
    count_option,
    installation,
    json_option,
    print_json,
    run,
)
from gateway.commands.proof import acting
from gateway.errors import NotFound

if TYPE_CHECKING:
    from gateway.canonical.exchange.drifting import Drift, KeptPayload, NotKept
    from gateway.settings import Settings


@click.group(invoke_without_command=True)
@click.option("--channel", default="", help="Only this channel.")
@count_option("How many surprises to list, what came last first.")
@json_option
@click.pass_context
def drift(context: click.Context, channel: str, count: int, *, as_json: bool) -> None:
    """List what channels sent that nobody announced: new fields, nulls, new values.

    Nothing of it stopped anything: the payload was taken and kept. Counts are those of all
    gateways since the installation began, written every few seconds. `coexist drift show` prints
    a payload in which something of it stood.
    """
    if context.invoked_subcommand is not None:
        return
    found, not_kept = run(_found(channel, count))
    if as_json:
        of: Counter[str] = Counter()
        for day in not_kept:
            of[day.channel] += day.count
        print_json([{**asdict(it), "payloads_not_kept": of[it.channel]} for it in found])
        return
    if not found:
        said = f"channel {channel}" if channel else "any channel"
        click.echo(f"nothing unannounced came from {said}; docs/how-to/watch-drift.md says what is")
        return
    for it in found:
        _say(it)
    for day in not_kept:
        click.echo(
            f"{day.channel}: {day.count} payloads of {day.day} (UTC) were not kept: "
            "more than evidence.payloads_a_day, or than a gateway holds"
        )


@drift.command()
@click.argument("reference")
@click.option("--channel", default="", help="Only this channel.")
@click.option("--unmask", is_flag=True, help="Show customers' data; it is written down.")
@click.option("--reason", default="", help="Why, for the audit log.")
@by_option
@json_option
def show(
    reference: str, channel: str, reason: str, by: str, *, unmask: bool, as_json: bool
) -> None:
    """Print each payload kept of REFERENCE, such as an order, as it came."""
    found = run(_payloads(reference, channel, by, reason, unmask=unmask))
    if as_json:
        print_json([asdict(it) for it in found])
        return
    for it in found:
        click.echo(f"{it.channel} {it.payload} {it.reference}  {it.at:%Y-%m-%d %H:%M:%S} UTC")
        for each in it.found:
            click.echo(f"  {each}")
        click.echo(it.text)


async def _found(channel: str, count: int) -> tuple[Sequence[Drift], list[NotKept]]:
    async with installation() as parts:
        _known(parts.settings, channel)
        days = await parts.ledger.not_kept()
        of = [it for it in days if channel in {"", it.channel}]
        return await parts.ledger.drifts(channel, count), of


async def _payloads(
    reference: str, channel: str, by: str, reason: str, *, unmask: bool
) -> Sequence[KeptPayload]:
    from gateway.flow.surprising import payloads_of

    async with installation() as parts:
        return await payloads_of(
            parts.ledger, parts.auditor, acting(parts.settings, by), (reference, channel),
            unmask=unmask, reason=reason,
        )  # fmt: skip


def _known(settings: Settings, channel: str) -> None:
    if channel and channel not in settings.channels:
        known = ", ".join(sorted(settings.channels)) or "none"
        raise NotFound(f"no channel {channel!r} is configured; there are: {known}")


def _say(it: Drift) -> None:
    where = f"{it.path} = {it.value!r}" if it.kind == "value" and it.value else it.path
    click.echo(
        f"{it.channel:12} {it.payload:12} {it.kind:5}  {where:40} {it.count:>7} x  "
        f"{it.first_at:%Y-%m-%d %H:%M} to {it.last_at:%Y-%m-%d %H:%M} UTC"
    )
    if it.example:
        click.echo(f"  first {it.example}")
    if it.reference:
        click.echo(f"  whole: coexist drift show {it.reference}")
