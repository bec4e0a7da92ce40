"""What the ledger knows that a buffer restored from a copy does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select, tuple_

from gateway.canonical.exchange import Fate, Record
from gateway.canonical.process import Target
from gateway.store.ledger import projection, tables
from gateway.store.ledger.database import Database

_COLUMNS: Final = tables.transactions.c
_RECORD: Final = [c for c in _COLUMNS if c.name in Record.__dataclass_fields__]


class MemoryTables(Database):
    """:class:`gateway.ports.Memory` in SQL."""

    async def checkpoints(self) -> Mapping[int, str]:
        """Return the sequence up to which each partition is projected."""
        rows = await self._read(lambda db: db.execute(select(tables.checkpoints)).all())
        return {row.partition: projection.sequence((row.ms, row.seq)) for row in rows}

    async def accepted_behind(
        self, partition: int, after: str, count: int
    ) -> Sequence[tuple[str, Record]]:
        """Return what was accepted behind an event, in that order, with the event of each."""
        order = (_COLUMNS.accepted_ms, _COLUMNS.accepted_seq)
        query = (
            select(*_RECORD, *order)
            .where(_COLUMNS.partition == partition, tuple_(*order) > projection.position(after))
            .order_by(*order)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [
            (
                projection.sequence((row[order[0]], row[order[1]])),
                Record(**{it.name: row[it] for it in _RECORD}),
            )
            for row in rows
        ]

    async def fates(self, transaction_ids: Sequence[str]) -> Mapping[str, Fate]:
        """Return what became of messages that are known; at most some hundreds at once."""
        query = select(
            _COLUMNS.transaction_id, _COLUMNS.state, _COLUMNS.document, _COLUMNS.result,
            _COLUMNS.owner,
        ).where(_COLUMNS.transaction_id.in_(transaction_ids))  # fmt: skip
        rows = await self._read(lambda db: db.execute(query).all())
        return {
            row.transaction_id: Fate(
                row.state, row.document, row.result, Target(row.owner) if row.owner else None
            )
            for row in rows
        }
