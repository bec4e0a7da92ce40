"""Owners in the order they were pinned.

Revision: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("owners_by_age", "owners", ["pinned_at", "object_key"])
