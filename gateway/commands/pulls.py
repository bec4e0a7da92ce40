"""Channels that are pulled or polled: how far each is, and what is still to be asked."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import rich_click as click

from gateway.channels.amazon.settling import key_of
from gateway.commands.common import installation, json_option, print_json, run

if TYPE_CHECKING:
    from gateway.canonical.exchange.pulling import Noticed, Pull
    from gateway.settings import Settings

#: Orders listed of one channel.
ORDERS_MAX = 1000


@click.command()
@click.option("--orders", is_flag=True, help="List the orders that are still to be asked for.")
@json_option
def pulls(*, orders: bool, as_json: bool) -> None:
    """Say how far each channel that is pulled or polled is, and what stands in its way.

    An order that a notification told of is counted, with its pieces, until its money is known.
    CHANNEL/settlements is the look for settlement reports: coexist settlements reports.
    """
    found = run(_found())
    if as_json:
        print_json([_as_json(name, pull, noticed) for name, pull, noticed in found])
        return
    if not found:
        click.echo("no channel is pulled; docs/how-to/connect-amazon.md says how to configure one")
        return
    for name, pull, noticed in found:
        _say(name, pull, noticed)
        if orders:
            for it in noticed:
                pieces = ", ".join(f"{line.quantity} {line.sku}" for line in it.lines)
                why = f"  ({it.problem})" if it.problem else ""
                click.echo(f"  {it.order_ref}  {it.status}  {pieces}{why}")


async def _found() -> list[tuple[str, Pull | None, list[Noticed]]]:
    async with installation() as parts:
        names = _pulled(parts.settings)
        return [
            (
                name,
                await parts.ledger.pull(name),
                list(await parts.ledger.noticed(name, ORDERS_MAX)),
            )
            for name in names
        ]


def _pulled(settings: Settings) -> list[str]:
    names = []
    for name, it in settings.channels.items():
        if it.is_pulled:
            names.append(name)
        if it.amazon and it.amazon.settlements:
            names.append(key_of(name))
    return names


def _say(name: str, pull: Pull | None, noticed: list[Noticed]) -> None:
    if pull is None or pull.polled_at is None:
        click.echo(f"{name}: not searched yet; a running gateway does it")
    else:
        click.echo(
            f"{name}: every change until {pull.until:%Y-%m-%d %H:%M:%S} UTC was taken, as of "
            f"{pull.polled_at:%H:%M:%S}" + ("; a search is going on" if pull.page else "")
        )
    if noticed:
        pieces = sum(line.quantity for it in noticed for line in it.lines)
        click.echo(f"  {len(noticed)} order(s) of {pieces} piece(s) still to be asked for or paid")
    if pull is not None and pull.problem:
        click.echo(f"  {pull.problem}")


def _as_json(name: str, pull: Pull | None, noticed: list[Noticed]) -> dict[str, Any]:
    fields: dict[str, Any] = {"channel": name, "until": None, "problem": ""}
    if pull is not None:
        fields |= asdict(pull)
    return fields | {"orders": [asdict(it) for it in noticed]}
