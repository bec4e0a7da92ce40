"""What staff sort and add up by, beside the body, and the body as it was before they changed it.

Revision: 0006
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CHUNK = 1000
#: Greatest lags stated when this revision was written; those accepted later bring their own.
_LAG_S = {
    "order.intake": 300, "order.cancellation": 60, "return.credit": 3600, "store.sale": 3600,
}  # fmt: skip


def upgrade() -> None:
    """Add columns and indexes, and fill them for what is there."""
    for column in (
        sa.Column("legal_entity", sa.Text, nullable=False, server_default=""),
        sa.Column("currency", sa.Text, nullable=False, server_default=""),
        sa.Column("amount_parts", sa.BigInteger),
        sa.Column("skus", sa.Text, nullable=False, server_default=""),
        sa.Column("deadline_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("original", sa.JSON),
    ):
        op.add_column("transactions", column)
    for name, columns, condition in (
        ("exceptions", ["deadline_ms"], "cause <> ''"),
        ("parked", ["accepted_ms", "transaction_id"], "state = 'parked'"),
    ):
        op.create_index(
            f"transactions_{name}",
            "transactions",
            columns,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    op.create_index("events_by_transaction", "events", ["transaction_id"])
    _fill(op.get_bind())


def _fill(db: sa.Connection) -> None:
    rows = sa.table(
        "transactions",
        sa.column("transaction_id", sa.Text), sa.column("process", sa.Text),
        sa.column("accepted_ms", sa.BigInteger), sa.column("facts", sa.JSON),
        sa.column("body", sa.JSON), sa.column("legal_entity", sa.Text),
        sa.column("currency", sa.Text), sa.column("amount_parts", sa.BigInteger),
        sa.column("skus", sa.Text), sa.column("deadline_ms", sa.BigInteger),
    )  # fmt: skip
    read = (rows.c.transaction_id, rows.c.process, rows.c.accepted_ms, rows.c.facts, rows.c.body)
    fill = (
        sa.update(rows)
        .where(rows.c.transaction_id == sa.bindparam("id_"))
        .values({
            name: sa.bindparam(f"new_{name}")
            for name in ("legal_entity", "currency", "amount_parts", "skus", "deadline_ms")
        })
    )  # fmt: skip
    last = ""
    while True:
        query = sa.select(*read).where(rows.c.transaction_id > last)
        page = db.execute(query.order_by(rows.c.transaction_id).limit(_CHUNK)).all()
        if not page:
            return
        db.execute(fill, [_filled(*row) for row in page])
        last = page[-1].transaction_id


def _filled(
    identity: str, process: str, accepted_ms: int, facts: dict[str, str], body: dict[str, Any]
) -> dict[str, Any]:
    document = body["sale"] if isinstance(body.get("sale"), dict) else body
    lines = document.get("lines") or []
    skus = dict.fromkeys(it["sku"] for it in lines if isinstance(it, dict) and it.get("sku"))
    currency, parts = document.get("currency"), None
    try:
        parts = int(Decimal(document["total"]) * 10_000)
    except (KeyError, TypeError, InvalidOperation):
        currency = ""
    return {
        "id_": identity,
        "new_legal_entity": facts.get("legal_entity") or body.get("legal_entity") or "",
        "new_currency": currency or "",
        "new_amount_parts": parts,
        "new_skus": f" {' '.join(skus)} " if skus else "",
        "new_deadline_ms": accepted_ms + _LAG_S.get(process, 0) * 1000,
    }
