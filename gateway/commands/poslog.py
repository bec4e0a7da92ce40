"""For stores' operations: files of receipts that registers wrote, taken whole or not at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import rich_click as click

from gateway.canonical.exchange.stores import FileTotal, TakenFile
from gateway.canonical.money import plain
from gateway.commands.common import (
    by_option,
    count_option,
    installation,
    json_option,
    print_json,
    run,
)
from gateway.commands.proof import acting

if TYPE_CHECKING:
    from gateway.channels.pos.files import PosLogFile, Stated
    from gateway.channels.pos.poslog import Place
    from gateway.flow.receipt_files import Taking
    from gateway.settings import Settings
    from gateway.wiring import Parts


class _Figure(click.ParamType[Decimal]):
    name = "amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            return Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no amount; write it as 1234.56", param, ctx)


@click.group()
def poslog() -> None:
    """Files of receipts (POSLog XML): taken whole or not at all."""


@poslog.command("import")
@click.argument(
    "files", nargs=-1, required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)  # fmt: skip
@click.option("--channel", required=True, help="The channel the receipts are of.")
@click.option("--count", type=int, help="How many transactions a file has to have.")
@click.option("--amount", type=_Figure(), help="What the receipts of a file have to come to.")
@click.option("--without-totals", is_flag=True, help="Take a file that states no control totals.")
@by_option
@json_option
def import_files(
    files: tuple[Path, ...],
    channel: str,
    count: int | None,
    amount: Decimal | None,
    by: str,
    *,
    without_totals: bool,
    as_json: bool,
) -> None:
    """Take FILES, one after the other; the first that is refused ends it.

    A file is read to its end first. It is refused as a whole, with the numbers of its lines, if it
    is cut off, is no XML, names an unknown store, or does not tie out to its control totals. A
    receipt that cannot be mapped is taken and held for staff. The same file again changes nothing;
    after an import that was cut off it takes the rest.
    """
    if len(files) > 1 and (count is not None or amount is not None):
        raise click.UsageError("--count and --amount are of one file; give one file with them")
    asked = _Asked(channel, count, amount, not without_totals, by)
    done = []
    for file in files:
        taking = run(_import(file, asked))
        done.append(_as_json(taking))
        if not as_json:
            _say(taking)
    if as_json:
        print_json(done)


@poslog.command("list")
@count_option("How many.")
@json_option
def list_files(count: int, *, as_json: bool) -> None:
    """List the files that were taken, the newest first, and those that are not taken whole."""
    found = run(_newest(count))
    if as_json:
        print_json([_file_json(it) for it in found])
        return
    if not found:
        click.echo("no file was taken yet; take one with `coexist poslog import FILE`")
    for it in found:
        state = "taken" if it.taken_at else "NOT WHOLE: import it again"
        click.echo(f"{it.begun_at:%Y-%m-%d %H:%M}  {_in_short(it)}  {it.channel}  {state}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller said of the files."""

    channel: str
    count: int | None
    amount: Decimal | None
    needs_totals: bool
    by: str

    @property
    def stated(self) -> tuple[Stated, ...]:
        from gateway.channels.pos.files import Stated

        if self.count is None and self.amount is None:
            return ()
        return (Stated(1, "", "", self.count, self.amount),)


async def _import(file: Path, asked: _Asked) -> Taking:
    from gateway.channels.pos.files import PosLogFile

    async with installation() as parts:
        places = _places(parts.settings, asked.channel)
        with file.open("rb") as stream, PosLogFile(
            stream, places, asked.stated, needs_totals=asked.needs_totals
        ) as reading:  # fmt: skip
            return await _take(parts, reading, file.name, asked)


async def _take(parts: Parts, reading: PosLogFile, name: str, asked: _Asked) -> Taking:
    from gateway.api.checks import Checks
    from gateway.flow.calls import Caller
    from gateway.flow.receipt_files import take_file
    from gateway.taking import acceptor, store_intake

    await parts.guard.start()
    await parts.pressure.measure()
    checks = Checks(parts.settings, parts.clock)
    totals = tuple(FileTotal(*it) for it in sorted(reading.all.amounts.items()))
    file = TakenFile(
        reading.sha256, asked.channel, name, reading.all.count, totals, parts.clock.now(), None
    )
    taking = acceptor(parts, Caller(parts.quotas, parts.clock, parts.windows))
    taken = await take_file(
        file,
        reading.items(asked.channel, lambda entity, sale: checks.sale(entity, sale, "")),
        staff=acting(parts.settings, asked.by),
        stores=store_intake(parts, taking),
        book=parts.ledger,
        auditor=parts.auditor,
    )
    for surprise in reading.surprises.of(name):
        parts.observer.drifted(asked.channel, "poslog", surprise)
    odd = reading.surprises.wholes
    parts.observer.surprised(asked.channel, "poslog", odd.held, odd.left_out)
    a_day = parts.settings.evidence.payloads_a_day
    await parts.observer.drifts.flush(parts.ledger, parts.clock.now(), a_day)
    return taken


def _places(settings: Settings, channel: str) -> dict[str, Place]:
    """Return the stores whose receipts the channel may bring, by what files call them."""
    from gateway.channels.pos.poslog import Place

    known = settings.channels.get(channel)
    if known is None or "store-sales" not in known.scopes:
        may = ", ".join(
            sorted(name for name, it in settings.channels.items() if "store-sales" in it.scopes)
        )
        raise click.BadParameter(
            f"{channel!r} is no channel with scope store-sales; {may or 'none'} is",
            param_hint="--channel",
        )
    return {
        it.retail_store_id or code: Place(
            code, it.legal_entity, ZoneInfo(it.time_zone) if it.time_zone else None
        )
        for code, it in settings.stores.items()
        if not known.legal_entities or it.legal_entity in known.legal_entities
    }


async def _newest(count: int) -> list[TakenFile]:
    async with installation() as parts:
        return list(await parts.ledger.taken_files(count))


def _say(taking: Taking) -> None:
    counts = ", ".join(f"{number} {status}" for status, number in sorted(taking.counts.items()))
    click.echo(f"{_in_short(taking.file)}: {counts or 'nothing in it'}")
    for said in taking.rejected:
        click.echo(f"  rejected {said}")
    if taking.held:
        click.echo(
            f"  {len(taking.held)} cannot be booked as they are ({', '.join(taking.held[:3])}"
            f"{', …' if len(taking.held) > 3 else ''}): coexist exceptions list"
        )


def _in_short(file: TakenFile) -> str:
    totals = ", ".join(f"{plain(it.amount, it.currency)} {it.currency}" for it in file.totals)
    return f"{file.name} ({file.transactions} transactions, {totals or 'no sale'})"


def _as_json(taking: Taking) -> dict[str, Any]:
    return {
        **_file_json(taking.file),
        "counts": dict(sorted(taking.counts.items())),
        "held": taking.held,
        "rejected": taking.rejected,
    }


def _file_json(file: TakenFile) -> dict[str, Any]:
    totals = [{"currency": it.currency, "amount": str(it.amount)} for it in file.totals]
    return {**asdict(file), "totals": totals}
