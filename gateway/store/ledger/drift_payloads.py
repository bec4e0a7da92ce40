"""Payloads with something unannounced: kept whole, so many a day, and forgotten."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from gateway.canonical.exchange.drifting import KeptPayload, NotKept, placed
from gateway.store.ledger.database import Database
from gateway.store.ledger.drift_tables import drift_days, drift_payloads, drifts
from gateway.store.ledger.inserting import insert_new

_IT = drift_payloads.c
_DAY = drift_days.c
_DRIFT = drifts.c


class DriftPayloadTables(Database):
    """Implements the part of :class:`gateway.ports.drifts.DriftBook` about whole payloads."""

    async def keep_payloads(
        self, found: Sequence[KeptPayload], left_out: Mapping[str, int], now: datetime, a_day: int
    ) -> frozenset[str]:
        day = now.date()

        def keep(db: Connection) -> frozenset[str]:
            full = set()
            # In one order, so that two gateways that write the same do not wait for each other.
            for channel in sorted({*left_out, *(it.channel for it in found)}):
                of = {_id(it): it for it in found if it.channel == channel}
                if not _keep(db, (channel, day), of, left_out.get(channel, 0), a_day):
                    full.add(channel)
            return frozenset(full)

        return await self._write(keep)

    async def payloads(self, reference: str, channel: str) -> Sequence[KeptPayload]:
        query = select(drift_payloads).where(_IT.reference == reference).order_by(_IT.at, _IT.id)
        if channel:
            query = query.where(_IT.channel == channel)
        rows = await self._read(lambda db: db.execute(query).all())
        return [
            KeptPayload(it.channel, it.payload, it.reference, it.at, *_unpacked(it.packed))
            for it in rows
        ]

    async def not_kept(self) -> Sequence[NotKept]:
        query = select(_DAY.channel, _DAY.day, _DAY.left_out).where(_DAY.left_out > 0)
        query = query.order_by(_DAY.channel, _DAY.day)
        rows = await self._read(lambda db: db.execute(query).all())
        return [NotKept(*it) for it in rows]

    async def forget_payloads(self, before: datetime) -> int:
        def forget(db: Connection) -> int:
            gone = db.execute(delete(drift_payloads).where(_IT.at < before)).rowcount
            db.execute(delete(drift_days).where(_DAY.day < before.date()))
            if gone:  # what can no longer be shown is no longer named
                still = exists().where(
                    _IT.channel == _DRIFT.channel, _IT.reference == _DRIFT.reference
                )
                named = update(drifts).where(_DRIFT.reference != "", ~still)
                db.execute(named.values(reference=""))
            return gone

        return await self._write(forget)


def _keep(
    db: Connection,
    of_day: tuple[str, date],
    found: Mapping[bytes, KeptPayload],
    left_out: int,
    a_day: int,
) -> int:
    """Keep what is new of one channel; return for how many more there is room on that day."""
    channel, day = of_day
    insert_new(db, drift_days, [{"channel": channel, "day": day, "kept": 0, "left_out": 0}])
    this = (_DAY.channel == channel, _DAY.day == day)
    # The update locks the row: two gateways take turns.
    db.execute(update(drift_days).where(*this).values(left_out=_DAY.left_out + left_out))
    room: int = a_day - db.execute(select(_DAY.kept).where(*this)).scalar_one()
    known: set[bytes] = set()
    ids = list(found)
    for at in range(0, len(ids), 500):
        some = select(_IT.id).where(_IT.id.in_(ids[at : at + 500]))
        known.update(bytes(it) for it in db.execute(some).scalars())
    new = {key: it for key, it in found.items() if key not in known}
    kept = list(new.items())[: max(room, 0)]
    insert_new(db, drift_payloads, [_row(key, it) for key, it in kept])
    change = {
        "kept": _DAY.kept + len(kept),
        "left_out": _DAY.left_out + len(new) - len(kept),
    }
    db.execute(update(drift_days).where(*this).values(**change))
    named = {(it.payload, *placed(each)): it.reference for _, it in kept for each in it.found}
    for (payload, kind, path, value), reference in sorted(named.items()):
        where = (
            _DRIFT.channel == channel, _DRIFT.payload == payload, _DRIFT.kind == kind,
            _DRIFT.path == path, _DRIFT.value == value,
        )  # fmt: skip
        db.execute(update(drifts).where(*where).values(reference=reference))
    return max(room - len(kept), 0)


def _id(it: KeptPayload) -> bytes:
    said = json.dumps([it.channel, it.payload, it.reference, it.text])
    return blake2b(said.encode(), digest_size=16).digest()


def _row(key: bytes, it: KeptPayload) -> dict[str, Any]:
    # As ASCII: a payload may hold what no database takes as text.
    packed = zlib.compress(json.dumps([it.found, it.text]).encode())
    return {
        "id": key, "channel": it.channel, "payload": it.payload, "reference": it.reference,
        "at": it.at, "packed": packed,
    }  # fmt: skip


def _unpacked(packed: bytes) -> tuple[tuple[str, ...], str]:
    found, text = json.loads(zlib.decompress(packed))
    return tuple(found), text
