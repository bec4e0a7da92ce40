"""Customers that were found or created in an ERP.

Revision: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "masters",
        sa.Column("erp", sa.Text, primary_key=True),
        sa.Column("reference", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("legal_entity", sa.Text, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
    )
