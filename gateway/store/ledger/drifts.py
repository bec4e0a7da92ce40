"""What is kept of what channels sent and nobody announced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

from sqlalchemy import Connection, case, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.canonical.exchange.drifting import REST, Drift
from gateway.store.ledger.database import Database
from gateway.store.ledger.drift_tables import drifts

_IT = drifts.c
_KEYS: Final = ("channel", "payload", "kind", "path", "value")

#: Surprises told apart of one channel: a sender that makes up names must not fill the ledger.
APART_MAX: Final = 1000


class DriftTables(Database):
    """Implements :class:`gateway.ports.drifts.DriftBook`."""

    async def keep_drifts(self, found: Sequence[Drift]) -> None:
        await self._write(lambda db: _keep(db, found))

    async def drifts(self, channel: str, count: int) -> Sequence[Drift]:
        query = select(drifts).order_by(_IT.last_at.desc(), *(_IT[name] for name in _KEYS))
        if channel:
            query = query.where(_IT.channel == channel)
        rows = await self._read(lambda db: db.execute(query.limit(count)).mappings().all())
        return [Drift(**row) for row in rows]


def _keep(db: Connection, found: Sequence[Drift]) -> None:
    channels = sorted({it.channel for it in found})
    rows = db.execute(select(*(_IT[name] for name in _KEYS)).where(_IT.channel.in_(channels)))
    known = {tuple(row) for row in rows}
    room = {name: APART_MAX - sum(it[0] == name for it in known) for name in channels}
    # In one order, so that two gateways that write the same rows do not wait for each other.
    for it in sorted(found, key=_key):
        if _key(it) not in known:
            if room[it.channel] <= 0:
                _add(db, replace(it, path=REST, value="", example=""))
                continue
            room[it.channel] -= 1
        _add(db, it)


def _add(db: Connection, it: Drift) -> None:
    insert = (postgresql if db.dialect.name == "postgresql" else sqlite).insert(drifts)
    new = insert.excluded
    summed = {
        "count": _IT.count + new["count"],
        "first_at": case((new.first_at < _IT.first_at, new.first_at), else_=_IT.first_at),
        "last_at": case((new.last_at > _IT.last_at, new.last_at), else_=_IT.last_at),
        "example": case((_IT.example == "", new.example), else_=_IT.example),
    }
    db.execute(insert.on_conflict_do_update(index_elements=_KEYS, set_=summed), asdict(it))


def _key(it: Drift) -> tuple[str, ...]:
    return (it.channel, it.payload, it.kind, it.path, it.value)
