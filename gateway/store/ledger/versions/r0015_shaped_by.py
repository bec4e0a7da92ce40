"""Every transaction says which crosswalk versions shaped what was last sent of it.

Revision: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "transactions", sa.Column("shaped_by", sa.Text, nullable=False, server_default="")
    )
