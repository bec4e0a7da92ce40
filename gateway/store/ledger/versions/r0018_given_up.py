"""What was given up after a send is looked at, too.

Revision: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_GIVEN_UP = sa.text("state = 'discarded'")


def upgrade() -> None:
    """Create the index that finds what was given up."""
    op.create_index(
        "transactions_given_up",
        "transactions",
        ["partition", "transaction_id"],
        sqlite_where=_GIVEN_UP,
        postgresql_where=_GIVEN_UP,
    )
