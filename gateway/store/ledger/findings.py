"""What guardrails decided, and notices until they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from gateway.canonical.guardrail import Finding, Notice, Verdict
from gateway.store.ledger import wave_tables as tables
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import insert_new

_FINDING = tables.findings.c
_NOTICE = tables.notices.c
_FIELDS = [c for c in _FINDING if c.name != "number"]


class FindingTables(Database):
    """Implements :class:`gateway.ports.Findings`."""

    async def found(self, findings: Sequence[Finding], notices: Sequence[Notice]) -> None:
        def record(db: Connection) -> None:
            if findings:
                db.execute(tables.findings.insert(), [asdict(it) for it in findings])
            insert_new(db, tables.notices, [asdict(it) for it in notices])

        await self._write(record)

    async def findings(self, count: int, wave: str = "") -> Sequence[Finding]:
        query = select(*_FIELDS).order_by(_FINDING.number.desc()).limit(count)
        if wave:
            query = query.where(_FINDING.wave == wave)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Finding(**row) for row in rows]

    async def forget_findings(self, before: datetime) -> int:
        old = delete(tables.findings).where(
            _FINDING.at < before, _FINDING.verdict != Verdict.TRIPPED.value
        )
        return await self._write(lambda db: db.execute(old).rowcount)

    async def notify(self, notices: Sequence[Notice]) -> None:
        await self.found([], notices)

    async def due(self, now: datetime, count: int) -> Sequence[Notice]:
        query = (
            select(tables.notices)
            .where(_NOTICE.sent_at.is_(None), _NOTICE.next_at <= now)
            .order_by(_NOTICE.next_at)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Notice(**row) for row in rows]

    async def sent(self, notice: Notice, seen_attempts: int) -> bool:
        change = (
            update(tables.notices)
            .where(_NOTICE.notice_id == notice.notice_id, _NOTICE.attempts == seen_attempts)
            .values(
                attempts=notice.attempts,
                next_at=notice.next_at,
                sent_at=notice.sent_at,
                failure=notice.failure,
            )
        )
        return await self._write(lambda db: db.execute(change).rowcount) == 1
