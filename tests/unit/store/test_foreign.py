"""Every error of a database driver has its place in the one table of foreign errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import exc

from gateway.errors import LedgerUnavailable
from gateway.store.ledger.foreign import BY_CLASS, BY_CODE, code_of, remedy_of, translated


def _tree(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


_WRAPPED = [kind for kind in _tree(exc.DBAPIError) if kind.__module__ == "sqlalchemy.exc"]
_SQLITE = [kind for kind in _tree(sqlite3.Error) if kind.__module__ == "sqlite3"]
_POSTGRES = list(_tree(psycopg.Error))
_PEP_249 = [kind for kind in _POSTGRES if kind.__module__ == "psycopg"]


@pytest.mark.parametrize("kind", _WRAPPED, ids=lambda kind: kind.__name__)
def test_what_sqlalchemy_wraps(kind: type[exc.DBAPIError]) -> None:
    error = kind("INSERT INTO t VALUES (?)", {"name": "a customer"}, Exception("first\nsecond"))
    with pytest.raises(LedgerUnavailable) as refusal, translated("sqlite:///x"):
        raise error
    assert refusal.value.detail == f"ledger sqlite:///x: first; {remedy_of(error)}"
    assert refusal.value.__cause__ is error
    assert refusal.value.retry_after_s == 5


@pytest.mark.parametrize("kind", [*_SQLITE, *_PEP_249], ids=lambda kind: kind.__name__)
def test_what_drivers_raise_themselves(kind: type[Exception]) -> None:
    with (
        pytest.raises(LedgerUnavailable, match=r"^ledger somewhere: it broke; "),
        translated("somewhere"),
    ):
        raise kind("it broke")


@pytest.mark.parametrize("kind", [exc.PendingRollbackError, exc.ResourceClosedError, OSError])
def test_what_a_lost_connection_leaves_behind(kind: type[Exception]) -> None:
    with (
        pytest.raises(LedgerUnavailable, match=r"^ledger somewhere: gone; "),
        translated("somewhere"),
    ):
        raise kind("gone")


def test_the_longest_code_that_fits_gives_the_remedy() -> None:
    class Full(psycopg.Error):
        sqlstate = "53100"

    class Memory(psycopg.Error):
        sqlstate = "53200"

    class Unheard(psycopg.OperationalError):
        sqlstate = "ZZ000"

    assert remedy_of(Full()) == BY_CODE["53100"]
    assert remedy_of(Memory()) == BY_CODE["53"]
    assert remedy_of(Unheard()).startswith("start PostgreSQL")


def test_sqlite_names_its_codes() -> None:
    with pytest.raises(sqlite3.OperationalError) as refusal:
        sqlite3.connect("/nowhere/at/all.sqlite")
    assert code_of(refusal.value) == "SQLITE_CANTOPEN"
    assert remedy_of(refusal.value) == BY_CODE["SQLITE_CANTOPEN"]


def test_codes_are_ones_the_databases_give() -> None:
    known = {name for name in dir(sqlite3) if name.startswith("SQLITE_")}
    states = {kind.sqlstate for kind in _POSTGRES if kind.sqlstate}  # type: ignore[attr-defined]
    for code in BY_CODE:
        assert code in known or any(state.startswith(code) for state in states), code


def test_the_table_of_classes_ends_with_one_for_all() -> None:
    assert BY_CLASS[-1][0] is Exception


def test_faults_of_our_own_are_not_hidden() -> None:
    with pytest.raises(KeyError), translated("somewhere"):
        raise KeyError("ours")
    with pytest.raises(exc.CompileError), translated("somewhere"):
        raise exc.CompileError("ours")


def test_an_error_without_words_is_named() -> None:
    with (
        pytest.raises(LedgerUnavailable, match=r"^ledger somewhere: OSError; "),
        translated("somewhere"),
    ):
        raise OSError
