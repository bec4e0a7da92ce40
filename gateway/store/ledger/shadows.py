"""Shadow comparisons in SQL: counts are added up, of examples the newest are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.canonical.exchange.shadowing import (
    Compared,
    Counts,
    Example,
    Field,
    FieldCounts,
    Findings,
)
from gateway.store.ledger.database import Database
from gateway.store.ledger.shadow_tables import shadow_compared, shadow_examples, shadow_fields

T = TypeVar("T")

#: Examples kept of one field: enough to see a pattern, and a table that does not grow.
EXAMPLES_MAX: Final = 200

_MINUTES_OF_AN_HOUR: Final = 60

_C, _F, _E = shadow_compared.c, shadow_fields.c, shadow_examples.c


class ShadowTables(Database):
    """Implements :class:`gateway.ports.ShadowLog`."""

    async def add_findings(self, findings: Findings) -> None:
        await self._write(lambda db: _add_findings(db, findings))

    async def shadow_counts(self, since_minute: int) -> Mapping[Compared, Counts]:
        query = select(shadow_compared).where(_C.minute >= since_minute)
        rows = await self._read(lambda db: db.execute(query).all())
        return {Compared(*row[:4]): Counts(*row[4:]) for row in rows}

    async def shadow_fields(self, since_hour: int) -> Mapping[tuple[Field, int], FieldCounts]:
        query = select(shadow_fields).where(_F.hour >= since_hour)
        rows = await self._read(lambda db: db.execute(query).all())
        return {(Field(*row[1:4]), row[0]): FieldCounts(*row[4:]) for row in rows}

    async def shadow_examples(self, field: Field, count: int) -> Sequence[Example]:
        query = (
            select(_E.business_key, _E.control_value, _E.candidate_value, _E.last_at, _E.times)
            .where(_of(field))
            .order_by(_E.last_at.desc(), _E.business_key)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return [Example(field, *row) for row in rows]

    async def shadow_rate(self, rule_ids: Sequence[str], since_minute: int) -> tuple[int, int]:
        query = select(func.sum(_C.compared), func.sum(_C.different)).where(
            _C.minute >= since_minute, _C.rule_id.in_(rule_ids)
        )
        row = await self._read(lambda db: db.execute(query).one())
        return int(row[0] or 0), int(row[1] or 0)

    async def forget_shadows(self, before_minute: int) -> None:
        def forget(db: Connection) -> None:
            db.execute(delete(shadow_compared).where(_C.minute < before_minute))
            db.execute(delete(shadow_fields).where(_F.hour < before_minute // _MINUTES_OF_AN_HOUR))

        await self._write(forget)


def _add_findings(db: Connection, findings: Findings) -> None:
    """Write in the order of keys, so that two gateways at once do not wait for each other."""
    counts = [{**it._asdict(), **asdict(n)} for it, n in sorted(findings.counts.items(), key=_key)]
    fields = [
        {**it._asdict(), "hour": hour, **asdict(n)}
        for (it, hour), n in sorted(findings.fields.items(), key=_key)
    ]
    examples = [
        {
            **it.field._asdict(), "business_key": it.business_key, "control_value": it.control,
            "candidate_value": it.candidate, "times": it.times, "last_at": it.at,
        }
        for _, it in sorted(findings.examples.items(), key=_key)
    ]  # fmt: skip
    _add(db, shadow_compared, counts, ("compared", "different", "failed", "skipped", "controls"))
    _add(db, shadow_fields, fields, ("different", "noise"))
    _add(db, shadow_examples, examples, ("times",), ("control_value", "candidate_value", "last_at"))
    for field in sorted({it.field for it in findings.examples.values()}):
        _keep_newest(db, field)


def _key(item: tuple[T, object]) -> T:
    return item[0]


def _add(
    db: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    added: Sequence[str],
    replaced: Sequence[str] = (),
) -> None:
    """Insert rows, or add to those that are there."""
    if not rows:
        return
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    changes = {name: table.c[name] + insert.excluded[name] for name in added}
    changes |= {name: insert.excluded[name] for name in replaced}
    keys = [column.name for column in table.primary_key]
    db.execute(insert.on_conflict_do_update(index_elements=keys, set_=changes), rows)


def _keep_newest(db: Connection, field: Field) -> None:
    newest = (
        select(_E.business_key)
        .where(_of(field))
        .order_by(_E.last_at.desc(), _E.business_key)
        .limit(EXAMPLES_MAX)
    )
    db.execute(delete(shadow_examples).where(_of(field), _E.business_key.not_in(newest)))


def _of(field: Field) -> ColumnElement[bool]:
    return (
        (_E.process == field.process) & (_E.candidate == field.candidate) & (_E.path == field.path)
    )
