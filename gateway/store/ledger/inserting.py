"""Inserting what is new, on either database, and asking for many keys at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

#: Values in one IN list, well below the 999 that old builds of SQLite allow.
_CHUNK: Final = 500


def insert_new(db: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose key is new; leave the others as they are. Return how many were new."""
    if not rows:
        return 0
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    return db.execute(dialect.insert(table).on_conflict_do_nothing(), rows).rowcount


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Cut values, sorted, into lists that fit into a statement."""
    rest = iter(sorted(values))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
