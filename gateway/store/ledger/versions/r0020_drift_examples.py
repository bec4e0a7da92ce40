"""What stood there when a surprise first came.

Revision: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was counted before has no example until it comes again."""
    op.add_column("drifts", sa.Column("example", sa.Text, nullable=False, server_default=""))
