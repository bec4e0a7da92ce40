"""The audit log's table: rows are added behind the newest, one writer at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from gateway.canonical.audit import AuditRow, Deed, Head
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database

_AUDIT = tables.audit.c


class AuditTable(Database):
    """Implements :class:`gateway.ports.AuditLog`."""

    async def append(self, deed: Deed) -> AuditRow:
        """Add a row behind the newest; writers of all processes take turns."""
        at = self._clock.now().astimezone(UTC).isoformat(timespec="microseconds")
        return await self._write(lambda db: _append(db, at, deed))

    async def audited(self, after: int, count: int) -> Sequence[AuditRow]:
        query = select(tables.audit).where(_AUDIT.number > after).order_by(_AUDIT.number)
        rows = await self._read(lambda db: db.execute(query.limit(count)).mappings().all())
        return [_row(row) for row in rows]

    async def newest(self, count: int) -> Sequence[AuditRow]:
        query = select(tables.audit).order_by(_AUDIT.number.desc()).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [_row(row) for row in rows]


def _append(db: Connection, at: str, deed: Deed) -> AuditRow:
    if db.dialect.name == "postgresql":
        # Readers go on; other writers wait, and then see what this one has committed. On SQLite
        # the transaction has begun as the only writer.
        db.exec_driver_sql("LOCK TABLE audit IN EXCLUSIVE MODE")
    newest = select(_AUDIT.number, _AUDIT.hash).order_by(_AUDIT.number.desc()).limit(1)
    found = db.execute(newest).first()
    row = AuditRow.after(Head() if found is None else Head(found.number, found.hash), at, deed)
    details = json.dumps(row.details, sort_keys=True, ensure_ascii=True)
    db.execute(tables.audit.insert(), {**asdict(row), "details": details})
    return row


def _row(stored: RowMapping) -> AuditRow:
    fields: dict[str, Any] = dict(stored)
    try:
        fields["details"] = json.loads(fields["details"])
    except ValueError:  # somebody wrote it by hand: it stays readable, and fails its hash
        fields["details"] = {"unreadable": fields["details"]}
    return AuditRow(**fields)
