"""Every error of the databases, translated once.

``translated`` turns what SQLAlchemy, its drivers and the file system raise into
:class:`~gateway.errors.LedgerUnavailable`, in words that name the ledger (its password masked) and
the remedy. Statements and their parameters are left out: they hold customers' data.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from gateway.errors import LedgerUnavailable

#: The classes that are translated, beside psycopg's ``Error``. Others of SQLAlchemy are faults of
#: this program and stay so.
FOREIGN: Final[tuple[type[Exception], ...]] = (
    exc.DBAPIError,  # whatever a driver raises, wrapped
    exc.TimeoutError,  # every connection of the pool is busy
    exc.PendingRollbackError,  # the connection was lost half-way
    exc.ResourceClosedError,
    sqlite3.Error,
    OSError,
)

_CONNECT: Final = (
    "start PostgreSQL, or correct host, user, password and database in COEXIST_LEDGER_URL"
)

#: Code of the database (SQLSTATE, or SQLite's name) or the start of one -> remedy. Longest wins.
BY_CODE: Final[dict[str, str]] = {
    "08": _CONNECT,
    "25006": "point COEXIST_LEDGER_URL at the primary: this server is read-only",
    "42501": "grant this user the rights to create and change tables in its schema",
    "42": "the tables are not those of this version: restart one process, which upgrades them",
    "53100": "free disk space on the PostgreSQL server",
    "53": "give the PostgreSQL server more resources",
    "55P03": "another process holds a lock: see pg_locks",
    "57014": "a statement took too long: see what loads the PostgreSQL server",
    "57P": "PostgreSQL is stopping or starting: wait for it, or start it",
    "SQLITE_BUSY": "another process holds the file too long: stop it, or use PostgreSQL",
    "SQLITE_CANTOPEN": "name a file in a folder that exists and that this user may write",
    "SQLITE_CORRUPT": "stop everything and restore the file from a backup",
    "SQLITE_FULL": "free disk space",
    "SQLITE_IOERR": "check the disk; the file has to be on a local one",
    "SQLITE_NOTADB": "correct COEXIST_LEDGER_URL: that file is not a ledger",
    "SQLITE_PERM": "let this user read and write the file and its folder",
    "SQLITE_READONLY": "let this user write the file and its folder",
}

#: Class, or name of one of psycopg's -> remedy, where the database gave no code that is known. The
#: first that fits wins.
BY_CLASS: Final[tuple[tuple[type[Exception] | str, str], ...]] = (
    (exc.TimeoutError, "all connections are busy: see what loads the database"),
    (exc.IntegrityError, "a row it refers to is missing, or is there already: report this"),
    (sqlite3.IntegrityError, "a row it refers to is missing, or is there already: report this"),
    ("IntegrityError", "a row it refers to is missing, or is there already: report this"),
    (exc.DataError, "a value does not fit its column: report this"),
    (exc.ProgrammingError, BY_CODE["42"]),
    (exc.OperationalError, _CONNECT),  # PostgreSQL gives no code while connecting
    ("OperationalError", _CONNECT),
    (OSError, "check that the folder exists, is on a local disk and lets this user write"),
    (Exception, "repeat; if it stays, check the database's own log"),
)  # fmt: skip

RETRY_AFTER_S: Final = 5


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate what the block raises; ``where`` is the ledger's URL, masked."""
    try:
        yield
    except (*FOREIGN, *driver_class("Error")) as error:
        raise _unavailable(where, error) from error


def remedy_of(error: BaseException) -> str:
    """Return what to do about a foreign error: by the database's code, else by its class."""
    code = code_of(error)
    for length in range(len(code), 1, -1):
        if code[:length] in BY_CODE:
            return BY_CODE[code[:length]]
    return next(
        remedy
        for kind, remedy in BY_CLASS
        if isinstance(error, driver_class(kind) if isinstance(kind, str) else kind)
    )


def driver_class(name: str) -> tuple[type[Exception], ...]:
    """Return a class of psycopg's, or none while it is not loaded: then nothing can raise it.

    SQLAlchemy does not wrap what it raises while it sets up a connection. Loading it for that would
    be a tenth of the start of every command on SQLite.
    """
    driver = sys.modules.get("psycopg")
    return () if driver is None else (getattr(driver, name),)


def code_of(error: BaseException) -> str:
    """Return the SQLSTATE or SQLite's name of the error, "" if the database gave none."""
    origin = _origin(error)
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None)
    return str(code or "")


def _origin(error: BaseException) -> BaseException:
    origin = error.orig if isinstance(error, exc.DBAPIError) else None
    return origin or error


def _unavailable(where: str, error: Exception) -> LedgerUnavailable:
    lines = str(_origin(error)).strip().splitlines() or [type(error).__name__]
    return LedgerUnavailable(f"ledger {where}: {lines[0]}; {remedy_of(error)}", RETRY_AFTER_S)
