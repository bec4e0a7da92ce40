"""For finance and engineers: what is booked more than once."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click

from gateway.canonical.exchange import Traffic
from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting
from gateway.flow.calls import Caller
from gateway.flow.reconcile import Looked, Reconciler

#: A permit is waited for this long: the sweep gives way to live traffic.
PATIENCE_MS = 60_000


@click.group()
def reconcile() -> None:
    """Whether what both ERPs have is what was sent."""


@reconcile.command()
@json_option
def doubles(*, as_json: bool) -> None:
    """Look again at all that was sent more than once, or given up; list what is booked too often.

    Workers do the same in the background. A double becomes an exception of cause `booked-twice`
    with the numbers of all its documents, and what was given up and has one `booked-anyway`;
    nothing is undone. Ends with 1 if one is found.
    """
    found = run(_sweep())
    twice, silent = [it for it in found if it.double], [it for it in found if it.documents is None]
    if as_json:
        print_json({
            "looked_at": len(found), "doubles": [_as_json(it) for it in twice],
            "unanswered": [_as_json(it) for it in silent],
        })  # fmt: skip
    else:
        for it in twice:
            click.echo(
                f"{it.record.transaction_id}  {it.record.process}  {it.record.reference}  "
                f"{it.record.owner}: {', '.join(it.documents or ())}"
            )
        for it in silent:
            click.echo(f"{it.record.transaction_id}  not answered: {it.detail}")
        click.echo(
            f"{len(found)} transaction(s) looked at, {len(twice)} booked too often, "
            f"{len(silent)} not answered"
        )
    if twice:
        sys.exit(1)


@reconcile.command()
@click.argument("transaction_id")
@by_option
@click.option("--reason", required=True, help="What was reversed, and under which number.")
@json_option
def settle(transaction_id: str, by: str, reason: str, *, as_json: bool) -> None:
    """End the exception of a double that was put right in the ERP."""
    run(_settle(transaction_id, by, reason))
    if as_json:
        print_json({"transaction_id": transaction_id, "settled": True})
    else:
        click.echo(f"{transaction_id} is settled")


def _as_json(it: Looked) -> dict[str, Any]:
    return {
        "transaction_id": it.record.transaction_id, "process": it.record.process,
        "object": it.record.object_key, "reference": it.record.reference, "erp": it.record.owner,
        "documents": list(it.documents or ()), "detail": it.detail,
    }  # fmt: skip


async def _sweep() -> list[Looked]:
    async with installation() as parts:
        caller = Caller(parts.quotas, parts.clock, parts.windows, PATIENCE_MS, kind=Traffic.LOW)
        reconciler = Reconciler(
            parts.ledger, parts.erps, caller, parts.auditor, parts.observer, parts.clock
        )
        return [each async for each in reconciler.sweep()]


async def _settle(transaction_id: str, by: str, reason: str) -> None:
    async with installation() as parts:
        caller = Caller(parts.quotas, parts.clock, parts.windows)
        reconciler = Reconciler(
            parts.ledger, parts.erps, caller, parts.auditor, parts.observer, parts.clock
        )
        await reconciler.settle(acting(parts.settings, by), transaction_id, reason)
