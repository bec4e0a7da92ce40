"""Table of what channels sent that nobody announced; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from gateway.store.ledger.tables import Instant, metadata

drifts = Table(
    "drifts",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("payload", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("example", Text, nullable=False, server_default=""),
)
