"""Settlements of marketplaces, row by row.

Revision: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "settlements",
        _text("provider", primary_key=True),
        _text("settlement_id", primary_key=True),
        _instant("starts_at"),
        _instant("ends_at"),
        _instant("deposited_at", nullable=True),
        _text("currency"),
        _text("total"),
        _text("channel"),
        _text("file"),
        _text("sha256"),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("unknown", sa.JSON, nullable=False),
        _instant("kept_at"),
    )
    op.create_table(
        "settlement_rows",
        _text("provider", primary_key=True),
        _text("settlement_id", primary_key=True),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        *(
            _text(name)
            for name in (
                "transaction_type", "order_id", "merchant_order_id", "adjustment_id",
                "shipment_id", "marketplace", "amount_type", "amount_description",
            )
        ),
        sa.Column("amount_e4", sa.BigInteger, nullable=False),
        _text("fulfillment_id"),
        sa.Column("posted_on", sa.Date),
        _instant("posted_at", nullable=True),
        _text("order_item_code"),
        _text("merchant_order_item_id"),
        _text("merchant_adjustment_item_id"),
        _text("sku"),
        sa.Column("quantity", sa.BigInteger),
        _text("promotion_id"),
        _text("extra"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("settlement_rows_by_order", "settlement_rows", ["order_id", "sku"])


def _text(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
