"""The ledger's side of reconciliation: what may be booked too often, and when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    Update,
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
#: Booked after more than one send; or given up after at least one, which may still arrive.
_LOOKED_AT: Final = (
    (tables.RESENT, _MESSAGE.state == State.BOOKED.value),
    (tables.GIVEN_UP, _MESSAGE.attempts > 0),
)
#: By state: the cause of the exception, and what staff are told of the documents.
_TOLD: Final = {
    State.BOOKED: (Cause.BOOKED_TWICE, "booked {count} times: {told}; reverse all but one there"),
    State.DISCARDED: (Cause.BOOKED_ANYWAY, "given up, and booked: {told}; reverse it there"),
}


class SecondLookTables(Database):
    """Implements :class:`gateway.ports.SecondLooks`."""

    async def second_looks(
        self, erp: Target, partition: int | None, settled_before: datetime, count: int,
        after: str = "",
    ) -> Sequence[SecondLook]:  # fmt: skip
        old = _MESSAGE.settled_at <= settled_before
        conditions = [
            _MESSAGE.owner == erp.value,
            _MESSAGE.transaction_id > after,
        ]
        if partition is None:
            conditions.append(old)
        else:
            never = func.coalesce(_LOOK.looks, 0) == 0
            due = or_(and_(never, old), _LOOK.next_at <= self._clock.now())
            conditions += [_MESSAGE.partition == partition, due]
        looked_at = (
            select(*_RECORD, _LOOK.looks)
            .join_from(
                tables.transactions, second_looks,
                _MESSAGE.transaction_id == _LOOK.transaction_id, isouter=True,
            )
            .where(*conditions)
            .order_by(_MESSAGE.transaction_id)
            .limit(count)
        )  # fmt: skip
        # One query for each of the small indexes that hold them.
        queries = [looked_at.where(*which) for which in _LOOKED_AT]
        found = await self._read(
            lambda db: [row for it in queries for row in db.execute(it).mappings().all()]
        )
        rows = sorted(found, key=lambda row: str(row["transaction_id"]))[:count]
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

        def change(state: State) -> Update:
            cause, text = _TOLD[state]
            said = text.format(count=len(documents), told=told)
            return (
                update(tables.transactions)
                .where(
                    _MESSAGE.transaction_id == transaction_id,
                    _MESSAGE.state == state.value,
                    _MESSAGE.cause == "",
                )
                .values(
                    cause=cause.value,
                    detail=f"{said}, then `coexist reconcile settle {transaction_id}`",
                )
            )

        def mark(db: Connection) -> bool:
            _begin(db, transaction_id)
            query = select(_LOOK.settled).where(_LOOK.transaction_id == transaction_id)
            if db.execute(query).scalar() == told:
                return False
            return any(db.execute(change(state)).rowcount > 0 for state in _TOLD)

        return await self._write(mark)

    async def is_double(self, transaction_id: str) -> bool:
        query = select(_MESSAGE.transaction_id).where(_is_double(transaction_id))
        return await self._read(lambda db: db.execute(query).first()) is not None

    async def settle_double(self, transaction_id: str) -> bool:
        mine = _is_double(transaction_id)

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


def _is_double(transaction_id: str) -> ColumnElement[bool]:
    return and_(
        _MESSAGE.transaction_id == transaction_id,
        _MESSAGE.cause.in_([cause.value for cause, _ in _TOLD.values()]),
    )


def _begin(db: Connection, transaction_id: str) -> None:
    row = {"transaction_id": transaction_id, "looks": 0, "next_at": None, "settled": ""}
    insert_new(db, second_looks, [row])
