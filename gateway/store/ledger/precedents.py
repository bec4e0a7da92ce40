"""What the ledger knows of objects from before a create."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, select

from gateway.canonical.exchange.owning import Before
from gateway.canonical.lifecycle import State
from gateway.canonical.process import PROCESSES, Kind
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import chunks
from gateway.store.ledger.tables import owners, transactions

#: Owners that were found, not made by a message of ours.
_FOUND: Final = ("import", "lookup")
_CREATES: Final = [name for name, it in PROCESSES.items() if it.kind is Kind.CREATE]

_O: Final = owners.c
_T: Final = transactions.c


class PrecedentTables(Database):
    """Implements :class:`gateway.ports.Precedents`."""

    async def taken_before(self, creates: Mapping[str, str]) -> Mapping[str, Before]:
        return await self._read(lambda db: _before(db, creates))


def _before(db: Connection, creates: Mapping[str, str]) -> dict[str, Before]:
    found: dict[str, Before] = {}
    transaction_of = {key: identity for identity, key in creates.items()}
    for keys in chunks(transaction_of):
        for key, before in (*_taken(db, keys, creates), *_owned(db, keys)):
            found[transaction_of[key]] = before
    return found


def _owned(db: Connection, keys: list[str]) -> Iterator[tuple[str, Before]]:
    query = select(owners).where(_O.object_key.in_(keys), _O.source.in_(_FOUND))
    for row in db.execute(query):
        yield row.object_key, Before(row.owner, row.pinned_at, row.source)


def _taken(
    db: Connection, keys: list[str], creates: Mapping[str, str]
) -> Iterator[tuple[str, Before]]:
    """Return other creates of the objects, the oldest last; what was given up is in no ERP."""
    query = select(_T.object_key, _T.transaction_id, _T.owner, _T.accepted_at).where(
        _T.object_key.in_(keys),
        _T.process.in_(_CREATES),
        _T.state != State.DISCARDED.value,
    )
    for row in db.execute(query.order_by(_T.accepted_at.desc())):
        if row.transaction_id not in creates:
            yield row.object_key, Before(row.owner, row.accepted_at, "", row.transaction_id)
