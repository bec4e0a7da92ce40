"""Payloads with something unannounced, whole.

Revision: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables; what was counted before names no payload until it comes again."""
    op.create_table(
        "drift_payloads",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_index("drift_payloads_by_reference", "drift_payloads", ["reference", "channel"])
    op.create_index("drift_payloads_by_time", "drift_payloads", ["at"])
    op.create_table(
        "drift_days",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kept", sa.BigInteger, nullable=False),
        sa.Column("left_out", sa.BigInteger, nullable=False),
    )
    op.add_column("drifts", sa.Column("reference", sa.Text, nullable=False, server_default=""))
