"""Tables of stores' registers; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Date, Index, Table, Text

from gateway.store.ledger.tables import Instant, metadata

#: Each use of a register's number: one row for each content under it. Receipts are added with the
#: event that says they were accepted, so the order in which things arrive changes nothing.
register_numbers = Table(
    "register_numbers",
    metadata,
    Column("store", Text, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("register_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", Text, primary_key=True),
    Column("content", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("sold_at", Instant),
    Column("arrived_at", Instant, nullable=False),
    Index("register_numbers_by_day", "business_date", "store"),
    sqlite_with_rowid=False,
)

#: Business days that have ended. The first to say so counts.
store_days = Table(
    "store_days",
    metadata,
    Column("store", Text, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("by", Text, nullable=False),
)

#: Files of receipts by what is in them. ``taken_at`` is missing while some may not be taken.
receipt_files = Table(
    "receipt_files",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("transactions", BigInteger, nullable=False),
    Column("totals", JSON, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("taken_at", Instant),
)
