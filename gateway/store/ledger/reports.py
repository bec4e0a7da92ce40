"""What is kept of fetching settlement reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select, update

from gateway.canonical.exchange.reports import Report
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import insert_new
from gateway.store.ledger.report_tables import reports

_IT = reports.c


class ReportTables(Database):
    """Implements :class:`gateway.ports.reports.ReportShelf`."""

    async def found_reports(self, found: Sequence[Report]) -> None:
        rows = [asdict(it) for it in found]
        await self._write(lambda db: insert_new(db, reports, rows))

    async def due_reports(
        self, channel: str, now: datetime, made_after: datetime, count: int
    ) -> Sequence[Report]:
        query = (
            select(reports)
            .where(_IT.channel == channel, _IT.settlement_id == "", _IT.due_at <= now)
            .where(_IT.made_at > made_after)
            .order_by(_IT.made_at, _IT.report_id)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Report(**row) for row in rows]

    async def keep_report(self, report: Report) -> None:
        row = asdict(report)
        changed = (
            update(reports)
            .where(_IT.channel == row.pop("channel"), _IT.report_id == row.pop("report_id"))
            # Whoever fetched it too may have been slower; what was taken stays taken.
            .where(_IT.settlement_id == "")
            .values(**row)
        )
        await self._write(lambda db: db.execute(changed))

    async def reports(self, count: int) -> Sequence[Report]:
        query = select(reports).order_by(_IT.made_at.desc(), _IT.report_id).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Report(**row) for row in rows]
