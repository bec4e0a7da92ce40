"""Customers that were found or created in an ERP: of two who would create one, one may."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.canonical.customer import Wish
from gateway.canonical.process import Target
from gateway.ports.customers import Master
from gateway.store.ledger.database import Database
from gateway.store.ledger.tables import Instant, metadata

#: ``number`` is "" while a creation that ``begun_at`` dates has no known outcome.
masters = Table(
    "masters",
    metadata,
    Column("erp", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("legal_entity", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("begun_at", Instant),
)


class MasterTables(Database):
    """Implements :class:`gateway.ports.CustomerShelf`."""

    async def master(self, erp: Target, reference: str) -> Master | None:
        query = select(masters.c.number, masters.c.begun_at).where(
            masters.c.erp == erp.value, masters.c.reference == reference
        )
        row = await self._read(lambda db: db.execute(query).first())
        return None if row is None else Master(row.number, row.begun_at)

    async def begin_master(
        self, erp: Target, wish: Wish, at: datetime, after: datetime | None
    ) -> bool:
        row = _row(erp, wish, "", at)
        if after is None:
            return await self._write(lambda db: _insert(db, row))
        later = (
            update(masters)
            .where(masters.c.erp == erp.value, masters.c.reference == wish.reference)
            .where(masters.c.number == "", masters.c.begun_at == after)
            .values(begun_at=at)
        )
        return await self._write(lambda db: db.execute(later).rowcount) == 1

    async def end_master(self, erp: Target, reference: str, begun_at: datetime) -> None:
        gone = (
            delete(masters)
            .where(masters.c.erp == erp.value, masters.c.reference == reference)
            .where(masters.c.number == "", masters.c.begun_at == begun_at)
        )
        await self._write(lambda db: db.execute(gone))

    async def keep_master(self, erp: Target, wish: Wish, number: str) -> None:
        await self._write(lambda db: _keep(db, _row(erp, wish, number, None)))


def _row(erp: Target, wish: Wish, number: str, begun_at: datetime | None) -> dict[str, Any]:
    return {
        "erp": erp.value,
        "reference": wish.reference,
        "channel": wish.channel,
        "legal_entity": wish.legal_entity,
        "customer": wish.customer.ref,
        "number": number,
        "begun_at": begun_at,
    }


def _insert(db: Connection, row: dict[str, Any]) -> bool:
    insert = (postgresql if db.dialect.name == "postgresql" else sqlite).insert(masters)
    new = insert.values(**row).on_conflict_do_nothing().returning(masters.c.reference)
    return db.execute(new).first() is not None


def _keep(db: Connection, row: dict[str, Any]) -> None:
    if _insert(db, row):
        return
    known = (
        update(masters)
        .where(masters.c.erp == row["erp"], masters.c.reference == row["reference"])
        .where(masters.c.number == "")
        .values(number=row["number"])
    )
    db.execute(known)
