"""For stores' operations and finance: which receipts of which registers are missing."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import rich_click as click

from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting

if TYPE_CHECKING:
    from gateway.canonical.exchange.stores import NumberUsed
    from gateway.policy.registers import RegisterDay, StoreDay
    from gateway.settings import Settings

#: Business days a report goes back if nobody says how many.
DAYS = 7


@click.group()
def stores() -> None:
    """What stores' registers sent: numbers that are missing, used twice, or came late."""


@stores.command()
@click.option("--store", default="", help="Only this store.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only this business day.")
@click.option("--days", default=DAYS, show_default=True, help="How many business days back.")
@click.option("--check", is_flag=True, help="Exit with 1 if anything is missing or contradictory.")
@json_option
def report(store: str, day: datetime | None, days: int, *, check: bool, as_json: bool) -> None:
    """Report what each register's numbers tell, by store and business day.

    It is of what the record has: what was taken a moment ago comes in with the next projection.
    """
    found = run(_report(store, day.date() if day else None, days))
    if as_json:
        print_json([_day_json(it) for it in found])
    else:
        _say(found)
    if check and not all(it.is_clean for it in found):
        sys.exit(1)


@stores.command()
@click.argument("store")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--reason", default="", help="Why, for the record.")
@by_option
@json_option
def close(store: str, day: datetime, reason: str, by: str, *, as_json: bool) -> None:
    """Say that business day DAY of STORE has ended: what of it arrives from now on is late.

    Registers say so themselves, by a control transaction that closes the day. Nothing is refused
    by it; the first to say so counts.
    """
    closed_at = run(_close(store, day.date(), reason, by))
    if as_json:
        print_json({"store": store, "business_date": day.date(), "closed_at": closed_at})
        return
    click.echo(f"{store} {day:%Y-%m-%d} is closed, as of {closed_at:%Y-%m-%d %H:%M:%S} UTC")


async def _report(store: str, day: date | None, days: int) -> list[StoreDay]:
    from gateway.policy.registers import report as reported

    async with installation() as parts:
        _known(parts.settings, store)
        today = parts.clock.now().date()
        since, until = (day, day) if day else (
            today - timedelta(days=days), today + timedelta(days=1))  # fmt: skip
        numbers = await parts.ledger.store_numbers(store, since, until)
        found = reported(numbers, since, _counting(parts.settings))
    return [it for it in found if it.business_date <= until]


async def _close(store: str, day: date, reason: str, by: str) -> datetime:
    from gateway.canonical.exchange.stores import DayClosed
    from gateway.canonical.staff import Action

    async with installation() as parts:
        _known(parts.settings, store)
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.STORE_DAY_CLOSE, f"{store} {day}", reason)
        closed = DayClosed(store, day, parts.clock.now(), staff.name)
        await parts.ledger.note_numbers([], [closed])
        numbers = await parts.ledger.store_numbers(store, day, day)
    return numbers.closed[0].closed_at


def _known(settings: Settings, store: str) -> None:
    if store and store not in settings.stores:
        known = ", ".join(sorted(settings.stores)) or "none"
        raise click.BadParameter(f"{store!r} is not a store; known are {known}", param_hint="store")


def _counting(settings: Settings) -> dict[str, Any]:
    from gateway.policy.registers import Counting

    return {
        code: Counting(it.numbers_last, it.numbers_daily) for code, it in settings.stores.items()
    }


def _say(found: list[StoreDay]) -> None:
    if not found:
        click.echo("no receipts of these days are in the record")
        return
    for day in found:
        state = f"closed {day.closed_at:%Y-%m-%d %H:%M}" if day.closed_at else "open"
        what = "complete so far" if day.is_clean else "see below"
        click.echo(f"{day.store} {day.business_date} ({state}): {what}")
        for it in day.registers:
            counts = ", ".join(f"{number} {kind}" for kind, number in it.counts.items())
            click.echo(f"  register {it.register_id}: {it.first} to {it.last}, {counts}")
            for line in _findings(it):
                click.echo(f"    {line}")


def _findings(it: RegisterDay) -> list[str]:
    found = []
    if it.restarted:
        found.append("its numbers go back behind those of the day before: reset or replaced")
    for gap in it.gaps:
        span = f"{gap.first}" if gap.size == 1 else f"{gap.first} to {gap.last}"
        found.append(f"missing: {span} ({gap.size})")
    for uses in it.conflicts:
        said = "; ".join(f"{use.kind} {use.transaction_id}".strip() for use in uses)
        found.append(f"number {uses[0].sequence} was used {len(uses)} times: {said}")
    if it.late:
        found.append(f"{len(it.late)} came after the day was closed")
    return found


def _day_json(day: StoreDay) -> dict[str, Any]:
    return {
        "store": day.store,
        "business_date": day.business_date,
        "closed_at": day.closed_at,
        "clean": day.is_clean,
        "registers": [_register_json(it) for it in day.registers],
    }


def _register_json(it: RegisterDay) -> dict[str, Any]:
    return {
        "register": it.register_id,
        "first": it.first,
        "last": it.last,
        "counts": dict(it.counts),
        "missing": it.missing,
        "gaps": [list(gap) for gap in it.gaps],
        "repeats": [
            {"sequence": uses[0].sequence, "uses": [_use(use) for use in uses]}
            for uses in it.conflicts
        ],
        "late": [_use(use) for use in it.late],
        "restarted": it.restarted,
    }


def _use(use: NumberUsed) -> dict[str, Any]:
    return {
        "sequence": use.sequence,
        "kind": use.kind,
        "channel": use.channel,
        "transaction_id": use.transaction_id,
        "arrived_at": use.arrived_at,
    }
