"""The ledger's side of reconciliation: what was sent more than once, and when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    update,
)

from gateway.canonical.exchange import Record, SecondLook
from gateway.canonical.lifecycle import State
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import insert_new

#: How often a transaction was looked at again, when next, and the documents staff have settled.
second_looks = Table(
    "second_looks",
    tables.metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("looks", Integer, nullable=False),
    Column("next_at", tables.Instant),
    Column("settled", Text, nullable=False),
    Index("second_looks_by_time", "next_at"),
)

_MESSAGE: Final = tables.transactions.c
_LOOK: Final = second_looks.c
_RECORD: Final = [c for c in _MESSAGE if c.name in Record.__dataclass_fields__]
_BETWEEN: Final = ", "


class SecondLookTables(Database):
    """Implements :class:`gateway.ports.SecondLooks`."""

    async def second_looks(
        self, erp: Target, partition: int | None, settled_before: datetime, count: int,
        after: str = "",
    ) -> Sequence[SecondLook]:  # fmt: skip
        old = _MESSAGE.settled_at <= settled_before
        conditions = [
            tables.RESENT,
            _MESSAGE.state == State.BOOKED.value,
            _MESSAGE.owner == erp.value,
            _MESSAGE.transaction_id > after,
        ]
        if partition is None:
            conditions.append(old)
        else:
            never = func.coalesce(_LOOK.looks, 0) == 0
            due = or_(and_(never, old), _LOOK.next_at <= self._clock.now())
            conditions += [_MESSAGE.partition == partition, due]
        query = (
            select(*_RECORD, _LOOK.looks)
            .join_from(
                tables.transactions, second_looks,
                _MESSAGE.transaction_id == _LOOK.transaction_id, isouter=True,
            )
            .where(*conditions)
            .order_by(_MESSAGE.transaction_id)
            .limit(count)
        )  # fmt: skip
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [
            SecondLook(Record(**{c.name: row[c.name] for c in _RECORD}), row["looks"] or 0)
            for row in rows
        ]

    async def looked(self, transaction_id: str, next_at: datetime | None) -> None:
        change = (
            update(second_looks)
            .where(_LOOK.transaction_id == transaction_id)
            .values(looks=_LOOK.looks + 1, next_at=next_at)
        )

        def note(db: Connection) -> None:
            _begin(db, transaction_id)
            db.execute(change)

        await self._write(note)

    async def raise_double(self, transaction_id: str, documents: Sequence[str]) -> bool:
        told = _BETWEEN.join(documents)
        change = (
            update(tables.transactions)
            .where(
                _MESSAGE.transaction_id == transaction_id,
                _MESSAGE.state == State.BOOKED.value,
                _MESSAGE.cause == "",
            )
            .values(
                cause=Cause.BOOKED_TWICE.value,
                detail=f"booked {len(documents)} times: {told}; reverse all but one there, then "
                f"`coexist reconcile settle {transaction_id}`",
            )
        )

        def mark(db: Connection) -> bool:
            _begin(db, transaction_id)
            query = select(_LOOK.settled).where(_LOOK.transaction_id == transaction_id)
            if db.execute(query).scalar() == told:
                return False
            return db.execute(change).rowcount > 0

        return await self._write(mark)

    async def settle_double(self, transaction_id: str) -> bool:
        mine = and_(
            _MESSAGE.transaction_id == transaction_id,
            _MESSAGE.cause == Cause.BOOKED_TWICE.value,
        )

        def settle(db: Connection) -> bool:
            detail = db.execute(select(_MESSAGE.detail).where(mine)).scalar()
            if detail is None:
                return False
            told = detail.partition(": ")[2].partition("; ")[0]
            _begin(db, transaction_id)
            row = second_looks.update().where(_LOOK.transaction_id == transaction_id)
            db.execute(row.values(settled=told))
            db.execute(update(tables.transactions).where(mine).values(cause="", detail=""))
            return True

        return await self._write(settle)


def _begin(db: Connection, transaction_id: str) -> None:
    row = {"transaction_id": transaction_id, "looks": 0, "next_at": None, "settled": ""}
    insert_new(db, second_looks, [row])
