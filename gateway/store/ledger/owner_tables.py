"""Tables of imports of owners; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from gateway.store.ledger.tables import Instant, metadata

#: Imports, so that one that was cut short goes on where it stopped.
owner_imports = Table(
    "owner_imports",
    metadata,
    Column("file", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("imported", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("faults", BigInteger, nullable=False),
    Column("finished_at", Instant),
)

#: What an import could not take, by line.
owner_import_faults = Table(
    "owner_import_faults",
    metadata,
    Column("file", Text, primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    Column("object_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
