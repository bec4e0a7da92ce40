"""Owners and their imports. A batch is taken together with how far the import then is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, func, or_, select, update

from gateway.canonical.exchange.owning import Fault, Import, ImportFault, ImportLine, Owner
from gateway.errors import PublishError
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import chunks, insert_new
from gateway.store.ledger.owner_tables import owner_import_faults, owner_imports
from gateway.store.ledger.tables import owners

#: How an imported owner says where it is from.
SOURCE: Final = "import"

_O: Final = owners.c
_I: Final = owner_imports.c
_F: Final = owner_import_faults.c


class OwnerTables(Database):
    """Implements :class:`gateway.ports.Owners`."""

    async def owner_record(self, object_key: str) -> Owner | None:
        query = select(owners).where(_O.object_key == object_key)
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else Owner(**row)

    async def owners_after(self, object_key: str, count: int, source: str = "") -> Sequence[Owner]:
        query = select(owners).where(_O.object_key > object_key)
        if source:
            query = query.where(_O.source == source)
        query = query.order_by(_O.object_key).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Owner(**row) for row in rows]

    async def begin_import(self, wanted: Import) -> Import:
        def begin(db: Connection) -> Import:
            insert_new(db, owner_imports, [asdict(wanted)])
            query = select(owner_imports).where(_I.file == wanted.file)
            return Import(**db.execute(query).mappings().one())

        return await self._write(begin)

    async def import_owners(
        self,
        before: Import,
        after: Import,
        lines: Sequence[ImportLine],
        faults: Sequence[ImportFault],
    ) -> Import:
        return await self._write(lambda db: _take(db, before, after, lines, faults))

    async def import_faults(self, file: str, after: int, count: int) -> Sequence[ImportFault]:
        query = (
            select(_F.line, _F.object_key, _F.kind, _F.detail)
            .where(_F.file == file, _F.line > after)
            .order_by(_F.line)
            .limit(count)
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return [ImportFault(*row) for row in rows]

    async def faults_of(self, file: str) -> dict[str, int]:
        query = select(_F.kind, func.count()).where(_F.file == file).group_by(_F.kind)
        rows = await self._read(lambda db: db.execute(query).all())
        return {str(kind): int(count) for kind, count in rows}

    async def imports(self) -> Sequence[Import]:
        query = select(owner_imports).order_by(_I.started_at.desc())
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Import(**row) for row in rows]

    async def owners_pinned(
        self, after: tuple[datetime, str] | None, before: datetime, count: int
    ) -> Sequence[Owner]:
        query = select(owners).where(_O.pinned_at < before)
        if after is not None:
            at, key = after
            query = query.where(
                or_(_O.pinned_at > at, and_(_O.pinned_at == at, _O.object_key > key))
            )
        query = query.order_by(_O.pinned_at, _O.object_key).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Owner(**row) for row in rows]

    async def owned_by(self, owner: str) -> int:
        """Count the objects an ERP owns; reads the whole table."""
        query = select(func.count()).select_from(owners).where(_O.owner == owner)
        return await self._read(lambda db: db.execute(query).scalar_one())

    async def has_imports(self) -> bool:
        """Say whether owners were ever imported."""
        query = select(func.count()).select_from(owner_imports).where(_I.imported > 0)
        return bool(await self._read(lambda db: db.execute(query).scalar()))

    async def owners_of(self, object_keys: Sequence[str]) -> dict[str, str]:
        """Return the recorded owners of some objects."""
        found = await self._read(lambda db: _records(db, object_keys))
        return {key: it.owner for key, it in found.items()}


def _take(
    db: Connection,
    before: Import,
    after: Import,
    lines: Sequence[ImportLine],
    faults: Sequence[ImportFault],
) -> Import:
    """Take lines and move the import on, which only one process can do for each step."""
    step = update(owner_imports).where(_I.file == before.file, _I.offset == before.offset)
    if db.execute(step.values(offset=after.offset, line=after.line)).rowcount != 1:
        raise PublishError(
            f"the import of {before.name} is no longer at line {before.line}: another process is "
            "at it; wait for it, or stop it and start this one again"
        )
    imported, known, found = _insert(db, before, lines)
    found += faults
    insert_new(db, owner_import_faults, [{"file": before.file, **asdict(it)} for it in found])
    done = replace(
        after,
        imported=before.imported + imported,
        known=before.known + known,
        faults=before.faults + len(found),
    )
    db.execute(update(owner_imports).where(_I.file == before.file).values(**asdict(done)))
    return done


def _insert(
    db: Connection, run: Import, lines: Sequence[ImportLine]
) -> tuple[int, int, list[ImportFault]]:
    """Insert what is new; return how many were, how many were known, and what is in the way."""
    first = {line.object_key: line for line in reversed(lines)}
    if len(first) == len(lines) and _insert_all_new(db, run, lines):
        return len(lines), 0, []
    there = _records(db, first)
    new = {key: line for key, line in first.items() if key not in there}
    _insert_rows(db, run, list(new.values()))
    now_there = _records(db, first)  # also what others pinned in between
    imported = known = 0
    faults: list[ImportFault] = []
    for line in lines:
        record = now_there[line.object_key]
        ours = record.source == SOURCE and record.pinned_at == run.started_at
        if ours and new.get(line.object_key) is line:
            imported += 1
        elif record.owner == line.owner and not ours:
            known += 1
        else:
            before = new.get(line.object_key)
            where = f"line {before.line} of this file" if before else "an earlier line of this file"
            where = where if ours else f"the ledger ({record.source})"
            kind = Fault.DUPLICATE if record.owner == line.owner else Fault.CONFLICT
            detail = f"{where} says {record.owner}"
            faults.append(ImportFault(line.line, line.object_key, kind.value, detail))
    return imported, known, faults


def _insert_all_new(db: Connection, run: Import, lines: Sequence[ImportLine]) -> bool:
    """Insert lines that nearly always are all new; take it back if one is not."""
    point = db.begin_nested()
    if _insert_rows(db, run, lines) == len(lines):
        point.commit()
        return True
    point.rollback()
    return False


def _insert_rows(db: Connection, run: Import, lines: Sequence[ImportLine]) -> int:
    rows = [
        {
            "object_key": it.object_key,
            "owner": it.owner,
            "pinned_at": run.started_at,
            "source": SOURCE,
        }
        for it in lines
    ]
    return insert_new(db, owners, rows)


def _records(db: Connection, object_keys: Iterable[str]) -> dict[str, Owner]:
    found: dict[str, Owner] = {}
    for chunk in chunks(object_keys):
        for row in db.execute(select(owners).where(_O.object_key.in_(chunk))).mappings():
            found[row["object_key"]] = Owner(**row)
    return found
