"""Tables of what was decided and what was found out by it; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from gateway.store.ledger.tables import Instant, metadata

#: Blocks of decisions (routing.recorded). ``source`` is a partition, or a gateway that read.
decisions = Table(
    "decisions",
    metadata,
    Column("first_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Index("decisions_by_end", "last_ms"),
    sqlite_with_rowid=False,
)

#: Dry runs by the hash of their evidence; the report is exactly the text that was hashed.
dry_runs = Table(
    "dry_runs",
    metadata,
    Column("evidence_hash", Text, primary_key=True),
    Column("rules_version", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("report", Text, nullable=False),
    Index("dry_runs_by_version", "rules_version", "made_at"),
)
