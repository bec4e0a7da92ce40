"""Tables of what channels sent that nobody announced; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, LargeBinary, Table, Text

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
    Column("reference", Text, nullable=False, server_default=""),
)

#: Payloads kept whole. ``id`` is the hash of what they are and say: the same again is no other.
drift_payloads = Table(
    "drift_payloads",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Index("drift_payloads_by_reference", "reference", "channel"),
    Index("drift_payloads_by_time", "at"),
)

#: Of each channel and day (UTC) how many payloads were kept, and how many were too many.
drift_days = Table(
    "drift_days",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kept", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
)
