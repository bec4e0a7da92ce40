"""Changes of rules: proposals and rulings, schedules, guardrail findings, notices.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.ledger.tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "evidence",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kept_at", Instant, nullable=False),
    )
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, sa.ForeignKey("rule_texts.version"), nullable=False),
        *_texts("digest", "evidence_hash"),
        sa.Column("base_epoch", sa.BigInteger, nullable=False),
        *_texts("base_version", "by", "note"),
        sa.Column("at", Instant, nullable=False),
        *_texts("ruling", "ruled_by", "reason"),
        sa.Column("ruled_at", Instant),
    )
    op.create_index("proposals_by_version", "proposals", ["version", "at"])
    op.create_table(
        "schedules",
        sa.Column("schedule_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, sa.ForeignKey("rule_texts.version"), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("base_epoch", sa.BigInteger, nullable=False),
        *_texts("by", "note", "backlog"),
        sa.Column("waived", sa.JSON, nullable=False),
        *_texts("stage", "reason"),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("changed_at", Instant),
    )
    _guardrails()


def _guardrails() -> None:
    op.create_table(
        "findings",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", Instant, nullable=False),
        *_texts("wave", "signal", "verdict"),
        sa.Column("value", sa.Double),
        sa.Column("samples", sa.BigInteger, nullable=False),
        sa.Column("above", sa.Double, nullable=False),
        sa.Column("window_s", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        *_texts("version", "by", "detail"),
    )
    op.create_index("findings_by_wave", "findings", ["wave", "at"])
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Text, primary_key=True),
        *_texts("webhook", "kind"),
        sa.Column("at", Instant, nullable=False),
        *_texts("body"),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("next_at", Instant),
        sa.Column("sent_at", Instant),
        *_texts("failure"),
    )
    op.create_index("notices_by_time", "notices", ["next_at"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]
