"""Tables of shadow comparisons; created in ``versions/``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from gateway.store.ledger.tables import Instant, metadata

#: How many comparisons were made, by minute and rule.
shadow_compared = Table(
    "shadow_compared",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("rule_id", Text, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("candidate", Text, primary_key=True),
    Column("compared", BigInteger, nullable=False),
    Column("different", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("controls", BigInteger, nullable=False),
)

#: Differences by field and hour; ``noise`` are those the control shows against itself.
shadow_fields = Table(
    "shadow_fields",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("process", Text, primary_key=True),
    Column("candidate", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("different", BigInteger, nullable=False),
    Column("noise", BigInteger, nullable=False),
)

#: The newest difference of a business key in a field.
shadow_examples = Table(
    "shadow_examples",
    metadata,
    Column("process", Text, primary_key=True),
    Column("candidate", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("business_key", Text, primary_key=True),
    Column("control_value", Text, nullable=False),
    Column("candidate_value", Text, nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False),
)
