"""The numbers of stores' registers, the days they belong to, and the files they came in.

Revision: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "register_numbers",
        _text("store", primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True, nullable=False),
        _text("register_id", primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("channel", primary_key=True),
        _text("content", primary_key=True),
        _text("kind"),
        _text("transaction_id"),
        sa.Column("sold_at", sa.DateTime(timezone=True)),
        _instant("arrived_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("register_numbers_by_day", "register_numbers", ["business_date", "store"])
    op.create_table(
        "store_days",
        _text("store", primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True, nullable=False),
        _instant("closed_at"),
        _text("by"),
    )
    op.create_table(
        "receipt_files",
        _text("sha256", primary_key=True),
        _text("channel", primary_key=True),
        _text("name"),
        sa.Column("transactions", sa.BigInteger, nullable=False),
        sa.Column("totals", sa.JSON, nullable=False),
        _instant("begun_at"),
        sa.Column("taken_at", sa.DateTime(timezone=True)),
    )


def _text(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
