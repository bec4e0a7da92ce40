"""Crosswalks in the ledger: a row per version, its table as compressed JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    func,
    select,
)

from gateway.canonical.crosswalk import Crossing, CrosswalkKind, CrosswalkVersion
from gateway.canonical.envelope import Envelope
from gateway.store.ledger.database import Database
from gateway.store.ledger.tables import Instant, metadata, transactions

crosswalks = Table(
    "crosswalks",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("steward", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("table", LargeBinary, nullable=False),
)

_C = crosswalks.c
_ABOUT: Final = [column for column in _C if column.name != "table"]
_T = transactions.c


class CrosswalkTables(Database):
    """Implements :class:`gateway.ports.CrosswalkShelf`."""

    async def crosswalk_versions(self) -> Sequence[CrosswalkVersion]:
        newest = select(_C.kind, func.max(_C.version)).group_by(_C.kind)
        keys = [tuple(row) for row in await self._read(lambda db: db.execute(newest).all())]
        found = [await self.crosswalk_version(CrosswalkKind(k), v) for k, v in sorted(keys)]
        return [it for it in found if it is not None]

    async def crosswalk_version(self, kind: CrosswalkKind, version: int) -> CrosswalkVersion | None:
        query = select(*_ABOUT).where(_C.kind == kind.value, _C.version == version)
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else _version(row)

    async def crosswalk_rows(self, kind: CrosswalkKind, version: int) -> Sequence[Crossing]:
        query = select(_C.table).where(_C.kind == kind.value, _C.version == version)
        packed = await self._read(lambda db: db.execute(query).scalar())
        if packed is None:
            return []
        return [_crossing(row) for row in json.loads(zlib.decompress(packed))]

    async def keep_crosswalk(self, version: CrosswalkVersion, rows: Sequence[Crossing]) -> bool:
        plain = json.dumps([list(row) for row in rows], default=date.isoformat, ensure_ascii=False)
        record = {
            **{column.name: getattr(version, column.name) for column in _ABOUT},
            "kind": version.kind.value,
            "table": zlib.compress(plain.encode()),
        }
        before = select(func.max(_C.version)).where(_C.kind == version.kind.value)

        def keep(db: Connection) -> bool:
            if db.dialect.name == "postgresql":
                db.exec_driver_sql("LOCK TABLE crosswalks IN EXCLUSIVE MODE")
            if (db.execute(before).scalar() or 0) != version.version - 1:
                return False
            db.execute(crosswalks.insert(), record)
            return True

        return await self._write(keep)

    async def accepted_since(
        self, at: datetime, after: str, count: int
    ) -> Sequence[tuple[str, Envelope]]:
        query = (
            select(transactions)
            .where(_T.accepted_at >= at, _T.transaction_id > after)
            .order_by(_T.transaction_id)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [(row["owner"], _envelope(row)) for row in rows]


def _version(row: RowMapping) -> CrosswalkVersion:
    return CrosswalkVersion(**{**row, "kind": CrosswalkKind(row["kind"])})


def _crossing(row: Sequence[Any]) -> Crossing:
    channel, source, legacy, cloud, *days = row
    first, last = (None if it is None else date.fromisoformat(it) for it in days)
    return Crossing(channel, source, legacy, cloud, first, last)


def _envelope(row: RowMapping) -> Envelope:
    return Envelope.model_validate({name: row[name] for name in Envelope.model_fields})
