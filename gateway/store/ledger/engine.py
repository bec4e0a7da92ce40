"""Connections to the ledger's database, with everything durability hangs on set per connection."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from gateway.errors import ConfigError

#: How long a call waits for a free connection of the pool.
POOL_WAIT_S: Final = 5
#: How long connecting to PostgreSQL may take.
CONNECT_S: Final = 5
#: How long one statement may run, and how long SQLite waits for another process's write.
STATEMENT_MS: Final = 15_000

_EXAMPLES: Final = "sqlite:////var/lib/coexist/ledger.sqlite or postgresql+psycopg://user@host/name"
_SECRETS: Final = ("password", "sslpassword", "passfile")


def parse(url: str) -> URL:
    """Read a ledger URL; raise :class:`~gateway.errors.ConfigError` for what cannot be one.

    ``postgres://`` and ``postgresql://`` mean psycopg 3. SQLite needs a file: a ledger in memory
    would forget what the buffer was told it keeps.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"COEXIST_LEDGER_URL is not a URL: use {_EXAMPLES}") from None
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ConfigError(
            f"COEXIST_LEDGER_URL: no ledger on {parsed.drivername!r}; use {_EXAMPLES}"
        )
    if parsed.database in {None, "", ":memory:"} or parsed.query:
        raise ConfigError(
            f"COEXIST_LEDGER_URL: {masked(parsed)} does not name a plain file; use {_EXAMPLES}"
        )
    return parsed


def masked(url: URL) -> str:
    """Write a URL without its secrets."""
    hidden = {name: "hidden" for name in _SECRETS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def connect(url: URL, connections: int) -> Engine:
    """Make a pool of at most ``connections``; nothing is opened yet."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, connections)
    options = _postgres_options(url)
    return create_engine(url, connect_args=options, pool_pre_ping=True, **_pool(connections))


def writing(engine: Engine) -> Engine:
    """Return the same pool for transactions that write.

    On SQLite they begin as writers: one that read first and wanted to write later would be refused
    at once if another process wrote in between, whatever the timeout.
    """
    return engine.execution_options(coexist_writes=True)


def _pool(connections: int) -> dict[str, Any]:
    return {
        "poolclass": QueuePool,
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": POOL_WAIT_S,
        "hide_parameters": True,  # they hold customers' data
    }


def _postgres_options(url: URL) -> dict[str, Any]:
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_S,
        "keepalives_idle": CONNECT_S,
        "tcp_user_timeout": STATEMENT_MS,
        "application_name": "coexist",
    }
    options = f"-c statement_timeout={STATEMENT_MS} {url.query.get('options', '')}"
    return {k: v for k, v in ours.items() if k not in url.query} | {"options": options.strip()}


def _sqlite(url: URL, connections: int) -> Engine:
    # isolation_level None: the driver begins nothing by itself; `_begin` does.
    options = {"timeout": STATEMENT_MS / 1000, "isolation_level": None}
    engine = create_engine(url, connect_args=options, **_pool(connections))

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")  # a commit is on the disk when it returns
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("coexist_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
