"""Tables of pulling a marketplace's orders; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, Table, Text

from gateway.store.ledger.tables import Instant, metadata

#: How far each channel is.
pulls = Table(
    "pulls",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("page", Text, nullable=False),
    Column("page_until", Instant),
    Column("polled_at", Instant),
    Column("plans", JSON, nullable=False),
    Column("problem", Text, nullable=False),
)

#: Orders that notifications told of and that are still to be asked for.
noticed = Table(
    "noticed",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("order_ref", Text, primary_key=True),
    Column("changed_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("fulfilled_by", Text, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("noticed_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Index("noticed_by_time", "channel", "due_at"),
)
