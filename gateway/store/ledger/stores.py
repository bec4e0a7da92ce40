"""What stores' registers used their numbers for, and the files that receipts came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, and_, func, select

from gateway.canonical.exchange.stores import (
    DayClosed,
    FileTotal,
    NumberUsed,
    StoreNumbers,
    TakenFile,
)
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import insert_new
from gateway.store.ledger.store_tables import receipt_files, register_numbers, store_days

_N: Final = register_numbers.c
_D: Final = store_days.c
_F: Final = receipt_files.c
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class StoreTables(Database):
    """Implements :class:`gateway.ports.StoreBook`."""

    async def note_numbers(self, used: Sequence[NumberUsed], closed: Sequence[DayClosed]) -> None:
        def note(db: Connection) -> None:
            insert_new(db, register_numbers, [it._asdict() for it in used])
            insert_new(db, store_days, [it._asdict() for it in closed])

        await self._write(note)

    async def store_numbers(self, store: str, since: date, until: date) -> StoreNumbers:
        return await self._read(lambda db: _numbers(db, store, since, until))

    async def begin_file(self, file: TakenFile) -> TakenFile:
        row = {name: getattr(file, name) for name in TakenFile.__dataclass_fields__}
        row["totals"] = [[it.currency, str(it.amount)] for it in file.totals]

        def begin(db: Connection) -> TakenFile:
            insert_new(db, receipt_files, [row])
            return _file(db.execute(_same(file.sha256, file.channel)).mappings().one())

        return await self._write(begin)

    async def end_file(self, sha256: str, channel: str) -> None:
        now = self._clock.now()
        ended = (
            receipt_files.update()
            .where(_F.sha256 == sha256, _F.channel == channel, _F.taken_at.is_(None))
            .values(taken_at=now)
        )
        await self._write(lambda db: db.execute(ended))

    async def taken_files(self, count: int) -> Sequence[TakenFile]:
        query = select(receipt_files).order_by(_F.begun_at.desc(), _F.sha256).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [_file(row) for row in rows]


def keep_receipts(db: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Note the numbers of the receipts among transactions that were accepted just now."""
    found = [_used(row) for row in rows if row["process"] == "store.sale"]
    insert_new(db, register_numbers, [it._asdict() for it in found if it is not None])


def _used(row: Mapping[str, Any]) -> NumberUsed | None:
    """Read the number off the reference: a receipt that could not be mapped has no more.

    What is no receipt's reference was taken by an older release or another program: no number.
    """
    natural = str(row["reference"]).partition("#")[0].split("/")
    try:
        store, day, register, sequence = natural
        sale = row["body"].get("sale") or {}
        return NumberUsed(
            store=store,
            business_date=date.fromisoformat(day),
            register_id=register,
            sequence=int(sequence),
            channel=row["channel"],
            content=blake2b(_encode(sale), digest_size=8).hexdigest(),
            kind="sale",
            transaction_id=row["transaction_id"],
            sold_at=_instant(sale.get("sold_at")),
            arrived_at=row["accepted_at"],
        )
    except (ValueError, AttributeError):
        return None


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _numbers(db: Connection, store: str, since: date, until: date) -> StoreNumbers:
    of_store = (_N.store == store,) if store else ()
    before = (
        select(_N.store, _N.register_id, func.max(_N.business_date).label("day"))
        .where(_N.business_date < since, *of_store)
        .group_by(_N.store, _N.register_id)
        .subquery()
    )
    last_days = select(register_numbers).join(
        before,
        and_(
            _N.store == before.c.store,
            _N.register_id == before.c.register_id,
            _N.business_date == before.c.day,
        ),
    )
    days = select(register_numbers).where(_N.business_date.between(since, until), *of_store)
    rows = [row for query in (last_days, days) for row in db.execute(query).mappings()]
    closed = select(store_days).where(_D.business_date.between(since, until))
    if store:
        closed = closed.where(_D.store == store)
    return StoreNumbers(
        tuple(NumberUsed(**row) for row in rows),
        tuple(DayClosed(**row) for row in db.execute(closed).mappings()),
    )


def _same(sha256: str, channel: str) -> Any:  # noqa: ANN401 -- SQLAlchemy's select of a table
    return select(receipt_files).where(_F.sha256 == sha256, _F.channel == channel)


def _file(row: RowMapping) -> TakenFile:
    totals = tuple(FileTotal(currency, Decimal(amount)) for currency, amount in row["totals"])
    return TakenFile(**{**row, "totals": totals})
