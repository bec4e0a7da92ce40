"""Counts of a wave's messages, for readiness, guardrails and hypercare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, or_, select

from gateway.canonical.exchange import Record
from gateway.canonical.lifecycle import State
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database

_MESSAGE = tables.transactions.c
_RECORD: Final = [c for c in _MESSAGE if c.name in Record.__dataclass_fields__]

#: Held, or waiting for somebody to put something right.
OPEN: Final = or_(
    _MESSAGE.state == State.HELD.value,
    and_(_MESSAGE.state == State.WAITING.value, _MESSAGE.cause != ""),
)


class WaveFiguresTables(Database):
    """Implements :class:`gateway.ports.WaveFigures`."""

    async def open_exceptions(self, count: int) -> Sequence[Record]:
        query = select(*_RECORD).where(OPEN).order_by(_MESSAGE.accepted_ms).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Record(**row) for row in rows]
