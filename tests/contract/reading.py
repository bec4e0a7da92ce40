"""Reading a ledger whole, for tests."""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.canonical.exchange import Record
from gateway.store.ledger import SqlLedger, tables


async def record_of(ledger: SqlLedger, identity: str) -> Record:
    record = await ledger.transaction(identity)
    assert record is not None
    return record


async def event_rows(ledger: SqlLedger) -> list[tuple[int, int, str]]:
    columns = tables.events.c
    query = select(columns.ms, columns.seq, columns.kind).order_by(columns.ms, columns.seq)

    def read(db: Connection) -> list[tuple[int, int, str]]:
        return [(row.ms, row.seq, row.kind) for row in db.execute(query)]

    return await ledger._read(read)


async def everything(ledger: SqlLedger) -> list[object]:
    def read(db: Connection) -> list[object]:
        found: list[object] = []
        for table in (tables.transactions, tables.owners, tables.events, tables.checkpoints):
            found += sorted(map(tuple, db.execute(select(table))), key=str)
        return found

    return await ledger._read(read)
