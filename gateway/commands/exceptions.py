"""For engineers: what was refused and waits for somebody."""

from __future__ import annotations

import sys

import rich_click as click

from gateway.canonical.exchange import Record
from gateway.commands.common import by_option, installation, json_option, print_json, run


@click.group()
def exceptions() -> None:
    """Held transactions: what an ERP refused for good, each holding only its own object."""


@exceptions.command("list")
@click.option("--count", default=50, show_default=True, help="How many at most.")
@json_option
def list_held(count: int, *, as_json: bool) -> None:
    """List held transactions, the oldest first."""
    held = run(_held(count))
    if as_json:
        print_json([
            {"transaction_id": it.transaction_id, "process": it.process, "erp": it.owner,
             "object": it.object_key, "reference": it.reference, "cause": it.cause,
             "detail": it.detail, "accepted_at": it.accepted_at.isoformat()}
            for it in held
        ])  # fmt: skip
        return
    if not held:
        click.echo("nothing is held")
    for it in held:
        click.echo(f"{it.transaction_id}  {it.process}  {it.reference}  {it.owner}: {it.cause}")
        click.echo(f"    {it.detail}")


@exceptions.command()
@click.argument("transaction_ids", nargs=-1, required=True)
@by_option
def retry(transaction_ids: tuple[str, ...], by: str) -> None:
    """Try held transactions again, after what was wrong has been put right in the ERP."""
    not_held = run(_retry(transaction_ids, by))
    for transaction_id in not_held:
        click.echo(f"{transaction_id} is not held; `coexist exceptions list` shows what is")
    if not_held:
        sys.exit(1)


async def _held(count: int) -> list[Record]:
    async with installation() as parts:
        return list(await parts.ledger.held(count))


async def _retry(transaction_ids: tuple[str, ...], by: str) -> list[str]:
    async with installation() as parts:
        return [it for it in transaction_ids if not await parts.lanes.release_held(it, by)]
