"""What was sent more than once is looked at again.

Revision: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_RESENT = sa.text("attempts > 1")


def upgrade() -> None:
    """Create the table, and the index that finds what was sent more than once."""
    op.create_table(
        "second_looks",
        sa.Column("transaction_id", sa.Text, primary_key=True),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("settled", sa.Text, nullable=False),
    )
    op.create_index("second_looks_by_time", "second_looks", ["next_at"])
    op.create_index(
        "transactions_resent",
        "transactions",
        ["partition", "transaction_id"],
        sqlite_where=_RESENT,
        postgresql_where=_RESENT,
    )
