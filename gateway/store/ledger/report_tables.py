"""Table of settlement reports that were found; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from gateway.store.ledger.tables import Instant, metadata

reports = Table(
    "reports",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("report_id", Text, primary_key=True),
    Column("document_id", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("settlement_id", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Index("reports_by_time", "channel", "settlement_id", "due_at"),
)
