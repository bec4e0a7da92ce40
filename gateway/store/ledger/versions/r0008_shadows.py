"""Shadow comparisons.

Revision: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "shadow_compared",
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(it, sa.Text, primary_key=True) for it in ("rule_id", "process", "candidate")),
        *(
            sa.Column(it, sa.BigInteger, nullable=False)
            for it in ("compared", "different", "failed", "skipped", "controls")
        ),
    )
    op.create_table(
        "shadow_fields",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(it, sa.Text, primary_key=True) for it in ("process", "candidate", "path")),
        *(sa.Column(it, sa.BigInteger, nullable=False) for it in ("different", "noise")),
    )
    op.create_table(
        "shadow_examples",
        *(
            sa.Column(it, sa.Text, primary_key=True)
            for it in ("process", "candidate", "path", "business_key")
        ),
        sa.Column("control_value", sa.Text, nullable=False),
        sa.Column("candidate_value", sa.Text, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
    )
