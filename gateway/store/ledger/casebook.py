"""The ledger as staff see it: what is held, waits or is parked, its money and its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from gateway.canonical.exchange import Buffered, Happened, Listed, Tally, Wanted
from gateway.canonical.lifecycle import State
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database

_COLUMNS: Final = tables.transactions.c
_EVENTS: Final = tables.events.c
_MINUTE_MS: Final = 60_000

_LISTED: Final = [
    _COLUMNS[name] for name in Listed.__dataclass_fields__ if name != "parts"
] + [_COLUMNS.amount_parts.label("parts")]  # fmt: skip
_BUFFERED: Final = [
    _COLUMNS[name] for name in Buffered.__dataclass_fields__ if name != "parts"
] + [_COLUMNS.amount_parts.label("parts")]  # fmt: skip
_KINDS: Final = [_COLUMNS[it] for it in ("process", "cause", "state", "owner", "currency")]
_TALLY: Final = [
    *_KINDS,
    func.count().label("count"),
    func.coalesce(func.sum(_COLUMNS.amount_parts), 0).label("parts"),
    func.min(_COLUMNS.accepted_at).label("oldest_at"),
    func.min(_COLUMNS.deadline_ms).label("deadline_ms"),
]


class CasebookTables(Database):
    """Implements :class:`gateway.ports.Casebook`, but for the look-up of one transaction."""

    async def tallies(self, wanted: Wanted) -> Sequence[Tally]:
        conditions = (tables.EXCEPTIONAL, *_conditions(wanted))
        query = select(*_TALLY).where(*conditions).group_by(*_KINDS)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Tally(**{**row, "parts": int(row["parts"])}) for row in rows]

    async def exceptions(self, wanted: Wanted, first: int, count: int) -> Sequence[Listed]:
        query = _listed(wanted, *_LISTED).offset(first).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Listed(**row) for row in rows]

    async def exception_ids(self, wanted: Wanted, count: int) -> Sequence[tuple[str, str]]:
        query = _listed(wanted, _COLUMNS.transaction_id, _COLUMNS.process).limit(count)
        rows = await self._read(lambda db: db.execute(query).all())
        return [(row.transaction_id, row.process) for row in rows]

    async def parked(self, after: tuple[int, str], count: int) -> Sequence[Buffered]:
        place = tuple_(_COLUMNS.accepted_ms, _COLUMNS.transaction_id)
        query = (
            select(*_BUFFERED)
            .where(tables.PARKED, place > tuple_(*after))
            .order_by(_COLUMNS.accepted_ms, _COLUMNS.transaction_id)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Buffered(**row) for row in rows]

    async def history_of(self, transaction_id: str) -> Sequence[Happened]:
        query = (
            select(_EVENTS.kind, _EVENTS.at_ms, _EVENTS.fields)
            .where(_EVENTS.transaction_id == transaction_id)
            .order_by(_EVENTS.ms, _EVENTS.seq)
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return [
            Happened(kind, datetime.fromtimestamp(at_ms / 1000, UTC), fields)
            for kind, at_ms, fields in rows
        ]

    async def original_of(self, transaction_id: str) -> dict[str, Any] | None:
        query = select(_COLUMNS.original).where(_COLUMNS.transaction_id == transaction_id)
        return await self._read(lambda db: db.execute(query).scalar())

    async def busiest_minute(self, since: datetime) -> dict[str, int]:
        """Return, by ERP, the most transactions it booked in one minute since ``since``.

        Reads the events of that time, by the order they are stored in.
        """
        booked = (
            select(_COLUMNS.owner, func.count().label("count"))
            .join_from(tables.events, tables.transactions,
                       _EVENTS.transaction_id == _COLUMNS.transaction_id)
            .where(
                _EVENTS.partition.in_(select(tables.checkpoints.c.partition)),
                _EVENTS.ms >= int(since.timestamp() * 1000),
                _EVENTS.kind == "booked",
            )
            .group_by(_COLUMNS.owner, _EVENTS.at_ms // _MINUTE_MS)
            .subquery()
        )  # fmt: skip
        query = select(booked.c.owner, func.max(booked.c.count)).group_by(booked.c.owner)
        rows = await self._read(lambda db: db.execute(query).all())
        return {owner: int(count) for owner, count in rows}


def _listed(wanted: Wanted, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns)
        .where(tables.EXCEPTIONAL, *_conditions(wanted))
        .order_by(
            _COLUMNS.deadline_ms,
            func.coalesce(_COLUMNS.amount_parts, 0).desc(),
            _COLUMNS.transaction_id,
        )
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    # A message that is tried again or given up has no cause; what has one is held, waits for it to
    # end, or is booked too often.
    listed = (State.HELD, State.WAITING, State.BOOKED, State.DISCARDED)
    found: list[ColumnElement[bool]] = [_COLUMNS.state.in_(listed)]
    for name in ("cause", "process", "channel", "legal_entity"):
        value = getattr(wanted, name)
        if value:
            found.append(_COLUMNS[name] == value)
    if wanted.sku:
        found.append(_COLUMNS.skus.contains(f" {wanted.sku} ", autoescape=True))
    if wanted.scopes is not None:
        found.append(
            or_(*(and_(_COLUMNS.process == p, _COLUMNS.cause == c) for p, c in wanted.scopes))
            if wanted.scopes
            else _COLUMNS.transaction_id.is_(None)
        )
    return found
