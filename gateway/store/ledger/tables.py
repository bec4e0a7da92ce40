r"""The ledger's tables, as the code reads and writes them.

They are created and changed only by the revisions in ``versions/``; a test compares the two.

No text column has a length: what was accepted must be recordable, and a value too long for its
column would stop the projection of a whole partition. Bodies and fields are ``json``, not
``jsonb``, because jsonb refuses ``\u0000`` and unpaired surrogates, which a channel may send.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnClause,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    literal_column,
)


class Instant(TypeDecorator[datetime]):
    """A point in time: UTC in both databases, aware in Python (SQLite itself drops offsets)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: What the small indexes hold. A query has to say it in the same words to be answered from them.
EXCEPTIONAL: Final[ColumnClause[bool]] = literal_column("cause <> ''")
PARKED: Final[ColumnClause[bool]] = literal_column("state = 'parked'")
RESENT: Final[ColumnClause[bool]] = literal_column("attempts > 1")
GIVEN_UP: Final[ColumnClause[bool]] = literal_column("state = 'discarded'")


metadata = MetaData()

#: One row: what installation this ledger belongs to. The number of partitions never changes.
installation = Table(
    "installation",
    metadata,
    Column(
        "singleton",
        SmallInteger,
        CheckConstraint("singleton = 1"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("id", Text, nullable=False),
    Column("partitions", SmallInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)

#: A row per message, the newest state. ``accepted_ms``, ``accepted_seq``: the order of acceptance.
transactions = Table(
    "transactions",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("partition", SmallInteger, nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
    Column("accepted_seq", BigInteger, nullable=False),
    Column("process", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("rule_id", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("body", JSON, nullable=False),
    # What staff sort and add up by; money in 1/10000, which every database adds up exactly.
    Column("legal_entity", Text, nullable=False, server_default=""),
    Column("currency", Text, nullable=False, server_default=""),
    Column("amount_parts", BigInteger),
    Column("skus", Text, nullable=False, server_default=""),
    Column("deadline_ms", BigInteger, nullable=False, server_default="0"),
    #: The crosswalk versions that shaped the newest attempt, each with its steward.
    Column("shaped_by", Text, nullable=False, server_default=""),
    #: The body as it was accepted, once staff have changed it.
    Column("original", JSON(none_as_null=True)),
    Index("transactions_by_object", "object_key", "accepted_ms", "accepted_seq"),
    Index("transactions_by_rule", "rule_id", "accepted_ms"),
    Index(
        "transactions_exceptions",
        "deadline_ms",
        sqlite_where=EXCEPTIONAL,
        postgresql_where=EXCEPTIONAL,
    ),
    Index(
        "transactions_parked",
        "accepted_ms",
        "transaction_id",
        sqlite_where=PARKED,
        postgresql_where=PARKED,
    ),
    Index(
        "transactions_resent",
        "partition",
        "transaction_id",
        sqlite_where=RESENT,
        postgresql_where=RESENT,
    ),
    Index(
        "transactions_given_up",
        "partition",
        "transaction_id",
        sqlite_where=GIVEN_UP,
        postgresql_where=GIVEN_UP,
    ),
)

#: Which ERP owns a business object: the first pin stays. ``source`` as in projection.Pin.
owners = Table(
    "owners",
    metadata,
    Column("object_key", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("pinned_at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Index("owners_by_age", "pinned_at", "object_key"),
)

#: Every event of every partition. A stream id "ms-seq" sorts as two numbers, not as text.
events = Table(
    "events",
    metadata,
    Column("partition", SmallInteger, primary_key=True),
    Column("ms", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("fields", JSON, nullable=False),
    Index("events_by_transaction", "transaction_id"),
    sqlite_with_rowid=False,
)

#: Up to which event a partition is projected.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("ms", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

#: Immutable rule texts by version.
rule_texts = Table(
    "rule_texts",
    metadata,
    Column("version", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

#: The history of flips.
applies = Table(
    "applies",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Text, ForeignKey("rule_texts.version"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

#: What people did, append-only: each row names the hash of the one before, and the database refuses
#: to change or delete one. ``at`` and ``details`` are text, because exactly this text was hashed.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

#: What marketplaces paid out. ``unknown``: components that no list has, with their number of rows.
settlements = Table(
    "settlements",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("settlement_id", Text, primary_key=True),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("deposited_at", Instant),
    Column("currency", Text, nullable=False),
    Column("total", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("unknown", JSON, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

#: Every component of a settlement. ``amount_e4``: whole ten-thousandths, so that sums are exact.
settlement_rows = Table(
    "settlement_rows",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("settlement_id", Text, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("line", BigInteger, nullable=False),
    Column("transaction_type", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("merchant_order_id", Text, nullable=False),
    Column("adjustment_id", Text, nullable=False),
    Column("shipment_id", Text, nullable=False),
    Column("marketplace", Text, nullable=False),
    Column("amount_type", Text, nullable=False),
    Column("amount_description", Text, nullable=False),
    Column("amount_e4", BigInteger, nullable=False),
    Column("fulfillment_id", Text, nullable=False),
    Column("posted_on", Date),
    Column("posted_at", Instant),
    Column("order_item_code", Text, nullable=False),
    Column("merchant_order_item_id", Text, nullable=False),
    Column("merchant_adjustment_item_id", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", BigInteger),
    Column("promotion_id", Text, nullable=False),
    Column("extra", Text, nullable=False),
    Index("settlement_rows_by_order", "order_id", "sku"),
    sqlite_with_rowid=False,
)
