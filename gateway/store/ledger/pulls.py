"""What is kept of pulling a marketplace's orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.canonical.exchange.pulling import Noticed, NoticedLine, Pull
from gateway.store.ledger.database import Database
from gateway.store.ledger.pull_tables import noticed, pulls


class PullTables(Database):
    """Implements :class:`gateway.ports.marketplaces.Pulls`."""

    async def pull(self, channel: str) -> Pull | None:
        query = select(pulls).where(pulls.c.channel == channel)
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else Pull(**row)

    async def keep_pull(self, pull: Pull) -> None:
        await self._write(lambda db: _upsert_pull(db, asdict(pull)))

    async def notice(self, found: Sequence[Noticed]) -> None:
        rows = [asdict(it) for it in found]
        await self._write(lambda db: _upsert_noticed(db, rows))

    async def noticed(self, channel: str, count: int) -> Sequence[Noticed]:
        query = (
            select(noticed)
            .where(noticed.c.channel == channel)
            .order_by(noticed.c.due_at, noticed.c.order_ref)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [_noticed(row) for row in rows]

    async def settle_notice(self, channel: str, order_ref: str, as_of: datetime) -> None:
        done = (
            delete(noticed)
            .where(noticed.c.channel == channel, noticed.c.order_ref == order_ref)
            .where(noticed.c.changed_at <= as_of)
        )
        await self._write(lambda db: db.execute(done))

    async def put_off(self, found: Noticed, due_at: datetime, problem: str) -> None:
        later = (
            update(noticed)
            .where(noticed.c.channel == found.channel, noticed.c.order_ref == found.order_ref)
            .where(noticed.c.changed_at == found.changed_at)
            .values(due_at=due_at, tries=found.tries + 1, problem=problem)
        )
        await self._write(lambda db: db.execute(later))


def _upsert_pull(db: Connection, row: dict[str, Any]) -> None:
    insert = (postgresql if db.dialect.name == "postgresql" else sqlite).insert(pulls)
    changed = {name: insert.excluded[name] for name in row if name != "channel"}
    db.execute(insert.on_conflict_do_update(index_elements=["channel"], set_=changed), [row])


def _upsert_noticed(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep each, unless what is there tells of as new a change."""
    keys = ["channel", "order_ref"]
    for row in rows:
        insert = (postgresql if db.dialect.name == "postgresql" else sqlite).insert(noticed)
        changed = {name: insert.excluded[name] for name in row if name not in keys}
        newer = noticed.c.changed_at < insert.excluded.changed_at
        db.execute(
            insert.on_conflict_do_update(index_elements=keys, set_=changed, where=newer), row
        )


def _noticed(row: RowMapping) -> Noticed:
    lines = tuple(NoticedLine(**it) for it in row["lines"])
    return Noticed(**{**row, "lines": lines})
