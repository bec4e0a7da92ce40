"""The record in SQL: transactions, events and owners, by SQLAlchemy on SQLite or PostgreSQL.

``open_ledger`` is the way in: it brings the tables up to date and returns a ledger that implements
:class:`gateway.ports.Ledger`.
"""

from __future__ import annotations

from gateway.store.ledger.migrate import upgrade
from gateway.store.ledger.sql import SqlLedger, open_ledger

__all__ = ["SqlLedger", "open_ledger", "upgrade"]
