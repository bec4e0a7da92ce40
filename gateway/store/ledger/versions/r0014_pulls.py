"""How far the pulling of marketplaces' orders is, and what notifications told.

Revision: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "pulls",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("page_until", _INSTANT),
        sa.Column("polled_at", _INSTANT),
        sa.Column("plans", sa.JSON, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
    op.create_table(
        "noticed",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("order_ref", sa.Text, primary_key=True),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("fulfilled_by", sa.Text, nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("noticed_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
    op.create_index("noticed_by_time", "noticed", ["channel", "due_at"])
