"""Bringing the ledger's tables up to date, by however many processes start at once.

All revisions run in one transaction that excludes every other process from doing the same: an
advisory lock on PostgreSQL, the write lock of the file on SQLite. A crash leaves the tables as
they were.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, inspect, text

from gateway.errors import ConfigError, LedgerUnavailable
from gateway.store.ledger.engine import connect, masked, parse, writing
from gateway.store.ledger.foreign import translated

_HERE: Final = Path(__file__).parent
#: The newest revision: files are named by it, in order.
HEAD: Final = max(file.stem for file in (_HERE / "versions").glob("r*.py"))[1:].partition("_")[0]
#: Any number that nobody else locks in this database: "coexist" as bytes.
_LOCK: Final = int.from_bytes(b"coexist", "big")
#: How long to wait while another process upgrades.
WAIT_S: Final = 60
_PAUSE_S: Final = 0.05


def upgrade(url: str) -> None:
    """Upgrade the ledger at ``url`` to this version; does nothing if it is.

    Raises :class:`~gateway.errors.LedgerUnavailable` if the database does not answer, and
    :class:`~gateway.errors.ConfigError` if the URL is none or a newer version wrote the tables.
    """
    parsed = parse(url)
    with translated(masked(parsed)), _alone(parsed) as connection:
        if _revision(connection) != HEAD:
            _run_revisions(connection, masked(parsed))


@contextmanager
def _alone(url: URL) -> Iterator[Connection]:
    engine = writing(connect(url, connections=1))
    try:
        if url.get_backend_name() == "sqlite":
            _write_ahead(str(url.database), masked(url))
        with engine.begin() as connection:
            if url.get_backend_name() == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection
    finally:
        engine.dispose()


def _write_ahead(path: str, where: str) -> None:
    """Switch the file to a write-ahead log, so that readers never wait; the file remembers it.

    SQLite refuses at once, whatever the timeout, if two connections ask for it in the same moment.
    """
    deadline_s = time.monotonic() + WAIT_S
    with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as connection:
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline_s:
                    raise
                time.sleep(_PAUSE_S)
                continue
            if mode != "wal":
                raise LedgerUnavailable(
                    f"ledger {where}: no write-ahead log there; use a local disk"
                )
            return


def _revision(connection: Connection) -> str | None:
    """Return the revision the tables are at, as alembic notes it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def _run_revisions(connection: Connection, where: str) -> None:
    # Imported here: every start of every process and command looks whether there is something to
    # upgrade, and almost never is; alembic takes longer to import than all else takes to run.
    from alembic import command  # noqa: PLC0415 -- see above
    from alembic.config import Config  # noqa: PLC0415 -- see above
    from alembic.util import CommandError  # noqa: PLC0415 -- see above

    config = Config()
    config.set_main_option("script_location", _escaped(_HERE / "migrations"))
    config.set_main_option("version_locations", _escaped(_HERE / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"ledger {where}: {error}; a newer version of coexist wrote it: run that one"
        ) from error


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
