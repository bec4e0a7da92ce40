"""Messages are found by the rule they came under: guardrails ask for a wave's every few seconds.

Revision: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("transactions_by_rule", "transactions", ["rule_id", "accepted_ms"])
