"""The tables of settlements: a head, and a row for every component, as they were stated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, select

from gateway.canonical.exchange.settlements import KeptSettlement
from gateway.canonical.settlement import Component, Settlement, SettlementRow
from gateway.errors import IdempotencyClash
from gateway.ports.settlements import SettlementReading
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import insert_new

#: Rows in one statement: a file of a million needs no more memory than this many.
_BATCH: Final = 2000
#: Amounts are kept as whole ten-thousandths, which both databases add up exactly.
SCALE: Final = 4

_HEAD = tables.settlements.c
_ROW = tables.settlement_rows.c
_STATED: Final = tuple(name for name in SettlementRow._fields if name not in {"amount", "extra"})


class SettlementTables(Database):
    """Implements :class:`gateway.ports.Settlements`."""

    async def keep_settlement(
        self, reading: SettlementReading, channel: str, file: str
    ) -> KeptSettlement:
        now = self._clock.now()
        return await self._write(lambda db: _keep(db, reading, channel, file, now))

    async def settlements(self, count: int) -> Sequence[KeptSettlement]:
        query = select(tables.settlements).order_by(_HEAD.ends_at.desc(), _HEAD.settlement_id)
        rows = await self._read(lambda db: db.execute(query.limit(count)).mappings().all())
        return [_kept(row) for row in rows]

    async def settlement(self, provider: str, settlement_id: str) -> KeptSettlement | None:
        row = await self._read(lambda db: _found(db, provider, settlement_id))
        return None if row is None else _kept(row)

    async def settlement_rows(
        self, provider: str, settlement_id: str, after: int, count: int
    ) -> Sequence[SettlementRow]:
        query = (
            select(tables.settlement_rows)
            .where(_ROW.provider == provider, _ROW.settlement_id == settlement_id)
            .where(_ROW.ordinal > after)
            .order_by(_ROW.ordinal)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [_row(row) for row in rows]

    async def settlement_sums(
        self, provider: str, settlement_id: str
    ) -> Sequence[tuple[Component, int, int]]:
        component = (_ROW.transaction_type, _ROW.amount_type, _ROW.amount_description)
        query = (
            select(*component, func.count(), func.sum(_ROW.amount_e4))
            .where(_ROW.provider == provider, _ROW.settlement_id == settlement_id)
            .group_by(*component)
            .order_by(*component)
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return [(Component(*row[:3]), row[3], int(row[4])) for row in rows]


def _keep(
    db: Connection, reading: SettlementReading, channel: str, file: str, now: datetime
) -> KeptSettlement:
    head = reading.head
    # The head comes first: of two that keep the same settlement at once, the second waits here,
    # and then sees what the first has kept.
    row = {
        **head.model_dump(), "total": str(head.total), "channel": channel, "file": file,
        "sha256": "", "rows": 0, "unknown": [], "kept_at": now,
    }  # fmt: skip
    before = _found(db, head.provider, head.settlement_id)
    if before is None:
        insert_new(db, tables.settlements, [row])
        before = _found(db, head.provider, head.settlement_id)
    if before is not None and before["sha256"]:
        return _again(before, reading)
    rows = 0
    for batch in _batches(_record(head, each) for each in reading.rows()):
        db.execute(tables.settlement_rows.insert(), batch)
        rows += len(batch)
    row |= {
        "sha256": reading.sha256(), "rows": rows,
        "unknown": [[*component, count] for component, count in reading.unknown_components()],
    }  # fmt: skip
    db.execute(
        tables.settlements.update()
        .where(_HEAD.provider == head.provider, _HEAD.settlement_id == head.settlement_id)
        .values(sha256=row["sha256"], rows=rows, unknown=row["unknown"])
    )
    return _kept(row, fresh=True)


def _again(before: RowMapping, reading: SettlementReading) -> KeptSettlement:
    sha256 = reading.sha256()
    if sha256 != before["sha256"]:
        raise IdempotencyClash(
            f"settlement {before['settlement_id']} of {before['provider']} was taken before, from "
            f"{before['file']} with {before['rows']} rows (SHA-256 {before['sha256'][:12]}…), and "
            f"this file says something else (SHA-256 {sha256[:12]}…): find out which one is right; "
            "what was taken is never replaced"
        )
    return _kept(before)


def _found(db: Connection, provider: str, settlement_id: str) -> RowMapping | None:
    query = select(tables.settlements).where(
        _HEAD.provider == provider, _HEAD.settlement_id == settlement_id
    )
    return db.execute(query).mappings().first()


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(rows)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _record(head: Settlement, row: SettlementRow) -> dict[str, Any]:
    record = row._asdict()
    record["provider"] = head.provider
    record["settlement_id"] = head.settlement_id
    record["amount_e4"] = int(record.pop("amount").scaleb(SCALE))
    record["extra"] = json.dumps(dict(row.extra), ensure_ascii=False) if row.extra else ""
    return record


def _row(stored: RowMapping) -> SettlementRow:
    extra = tuple(json.loads(stored["extra"]).items()) if stored["extra"] else ()
    return SettlementRow(
        **{name: stored[name] for name in _STATED},
        amount=Decimal(stored["amount_e4"]).scaleb(-SCALE),
        extra=extra,
    )


def _kept(stored: RowMapping | dict[str, Any], *, fresh: bool = False) -> KeptSettlement:
    head = {name: stored[name] for name in Settlement.model_fields}
    return KeptSettlement(
        head=Settlement.model_validate({**head, "total": Decimal(stored["total"])}),
        channel=stored["channel"],
        file=stored["file"],
        sha256=stored["sha256"],
        rows=stored["rows"],
        unknown=tuple((Component(*row[:3]), row[3]) for row in stored["unknown"]),
        kept_at=stored["kept_at"],
        fresh=fresh,
    )
