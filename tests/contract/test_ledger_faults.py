"""What goes wrong under a ledger: killed processes, databases that stop, files nobody may write."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, inspect, select, text

from gateway.errors import ConfigError, LedgerUnavailable
from gateway.store.ledger import SqlLedger, engine, migrate, open_ledger, tables, upgrade
from gateway.store.ledger.engine import connect, parse
from tests.contract.postgres import Postgres
from tests.contract.stream import Stream

pytestmark = pytest.mark.anyio

NewLedger = Callable[[], str]
ROOT = Path(__file__).parents[2]


@contextmanager
def started(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python source in a process of its own, up to the first line it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    pool = connect(parse(url), connections=1)
    with pool.begin() as connection:
        yield connection
    pool.dispose()


# --------------------------------------------------------------------------- upgrades

UPGRADE = """
import sys
from gateway.store.ledger import upgrade
print("ready", flush=True)
sys.stdin.readline()
upgrade(sys.argv[1])
"""


def test_processes_that_start_at_once_upgrade_once(new_ledger: NewLedger) -> None:
    url = new_ledger()
    with started(UPGRADE, url) as one, started(UPGRADE, url) as two:
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (one, two):
            _, errors = process.communicate(timeout=60)
            assert (process.returncode, errors) == (0, "")
    with connected(url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_the_revisions_make_the_tables_the_code_uses(new_ledger: NewLedger) -> None:
    url = new_ledger()
    upgrade(url)
    upgrade(url)
    with connected(url) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []


def test_an_upgrade_that_fails_leaves_the_tables_as_they_were(new_ledger: NewLedger) -> None:
    url = new_ledger()
    with connected(url) as connection:
        connection.execute(text("CREATE TABLE checkpoints (mine INTEGER)"))
    with pytest.raises(LedgerUnavailable, match=r"checkpoints.* already exists"):
        upgrade(url)
    with connected(url) as connection:
        assert inspect(connection).get_table_names() == ["checkpoints"]
        connection.execute(text("DROP TABLE checkpoints"))
    upgrade(url)


def test_the_tables_of_a_newer_version_are_left_alone(new_ledger: NewLedger) -> None:
    url = new_ledger()
    upgrade(url)
    with connected(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match=r"'9999'; a newer version of coexist wrote it"):
        upgrade(url)


async def test_without_an_upgrade_the_error_says_so(new_ledger: NewLedger) -> None:
    ledger = SqlLedger(new_ledger())
    with pytest.raises(LedgerUnavailable, match="installation"):
        await ledger.ping()
    await ledger.close()


# --------------------------------------------------------------------------- killed in flight

PROJECT = """
import asyncio, sys
from gateway.store.ledger import open_ledger
from tests.contract.stream import Stream

async def main():
    ledger = await open_ledger(sys.argv[1])
    stream = Stream()
    for number in range(400):
        stream.book(stream.accept(f"order:webshop:S-{number}"))
    print("ready", flush=True)
    for start in range(0, len(stream.events), 7):
        await ledger.project(stream.partition, stream.events[start:start + 7])
        print(await ledger.checkpoint(stream.partition), flush=True)

asyncio.run(main())
"""


async def test_a_projector_killed_in_flight_lost_and_doubled_nothing(new_ledger: NewLedger) -> None:
    url = new_ledger()
    with started(PROJECT, url) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(25)][-1]
        process.send_signal(signal.SIGKILL)

    stream = Stream()
    for number in range(400):
        stream.book(stream.accept(f"order:webshop:S-{number}"))
    sequences = [event.sequence for event in stream.events]
    ledger = await open_ledger(url)
    reached = sequences.index(await ledger.checkpoint(stream.partition))
    assert sequences.index(told) <= reached < len(sequences) - 1, "killed before the end"
    rows = await ledger._read(lambda db: db.scalar(select(func.count()).select_from(tables.events)))
    assert rows == reached + 1

    await ledger.project(stream.partition, stream.events[max(0, reached - 50) :])
    assert await ledger.counts() == {("booked", "legacy"): 400}
    await ledger.close()


async def test_postgresql_stopped_in_flight(postgres: Postgres) -> None:
    ledger = await open_ledger(postgres.place())
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    await ledger.project(stream.partition, stream.events)
    stream.book(identity)
    await asyncio.to_thread(postgres.stop)
    try:
        for call in (
            ledger.project(stream.partition, stream.events),
            ledger.transaction(identity),
            ledger.ping(),
        ):
            with pytest.raises(LedgerUnavailable, match="start PostgreSQL") as refusal:
                await call
            assert refusal.value.retryable
    finally:
        await asyncio.to_thread(postgres.start)
    await ledger.project(stream.partition, stream.events)
    assert await ledger.counts() == {("booked", "legacy"): 1}
    await ledger.close()


async def test_postgresql_that_cuts_a_connection_in_the_middle_of_a_batch(
    postgres: Postgres,
) -> None:
    ledger = await open_ledger(postgres.place())

    def cut(db: Connection) -> None:
        db.execute(tables.rule_texts.insert().values(version="v", text="t", kept_at=_now(db)))
        db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(LedgerUnavailable):
        await ledger._write(cut)
    assert await ledger.rules("v") is None
    await ledger.close()


async def test_postgresql_gives_up_a_statement_that_takes_too_long(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STATEMENT_MS", 100)
    ledger = SqlLedger(postgres.place())
    with pytest.raises(LedgerUnavailable, match="a statement took too long"):
        await ledger._read(lambda db: db.execute(text("SELECT pg_sleep(5)")))
    await ledger.close()


def _now(db: Connection) -> object:
    return db.scalar(select(func.now()))


# --------------------------------------------------------------------------- wrong settings


async def test_postgresql_that_is_not_there(postgres: Postgres) -> None:
    nowhere = postgres.url.replace("/postgres?", "/nowhere?")
    with pytest.raises(LedgerUnavailable, match='database "nowhere" does not exist; start Postg'):
        await open_ledger(nowhere)
    secret = "postgresql+psycopg://ada:t0psecret@127.0.0.1:1/ledger?sslpassword=h1dden"
    with pytest.raises(LedgerUnavailable, match=r"ada:\*\*\*@127\.0\.0\.1:1/ledger") as refusal:
        await open_ledger(secret)
    assert "t0psecret" not in refusal.value.detail
    assert "h1dden" not in refusal.value.detail


# --------------------------------------------------------------------------- SQLite's file


@contextmanager
def unprivileged() -> Iterator[None]:
    """Lose the right to write everywhere, if these tests run as root."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write from a folder and its files; let everybody reach it."""
    inside = {path: path.stat().st_mode for path in (folder, *folder.iterdir())}
    above = {path: path.stat().st_mode for path in folder.parents if not path.stat().st_mode & 1}
    try:
        for path, mode in above.items():  # pytest's own folders are closed to others
            path.chmod(mode | 0o011)
        for path, mode in inside.items():
            path.chmod((mode | 0o055) & ~0o222)
        yield
    finally:
        for path, mode in (inside | above).items():
            path.chmod(mode)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable) as refusal:
        upgrade(f"sqlite:///{tmp_path}/missing/ledger.sqlite")
    assert refusal.value.detail == (
        f"ledger sqlite:///{tmp_path}/missing/ledger.sqlite: unable to open database file; name a "
        "file in a folder that exists and that this user may write"
    )


async def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = await open_ledger(f"sqlite:///{file}")
    await ledger.close()
    with (
        read_only(tmp_path),
        unprivileged(),
        pytest.raises(LedgerUnavailable, match="let this user write the file"),
    ):
        await ledger.installation(16)
    await ledger.close()


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be looked at " * 20)
    with pytest.raises(LedgerUnavailable, match="file is not a database; correct COEXIST_LEDGER"):
        upgrade(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database")


async def test_a_file_another_process_keeps_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STATEMENT_MS", 200)
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    ledger = await open_ledger(url)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="database is locked; another process holds"):
            await ledger.installation(16)
        assert await ledger.checkpoint(0) == "0-0", "readers never wait"
        other.execute("ROLLBACK")
    await ledger.installation(16)
    await ledger.close()


async def test_calls_wait_for_a_connection_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "POOL_WAIT_S", 0.1)
    ledger = await open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite", connections=1)
    with (
        ledger._engine.connect(),
        pytest.raises(LedgerUnavailable, match="all connections are busy"),
    ):
        await ledger.checkpoint(0)
    assert await ledger.checkpoint(0) == "0-0"
    await ledger.close()


def test_sqlite_is_as_durable_as_the_buffer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    upgrade(url)
    with connected(url) as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": engine.STATEMENT_MS,
    }


def test_the_newest_revision_is_the_one_the_files_are_named_by() -> None:
    newest = max((Path(migrate.__file__).parent / "versions").glob("r*.py"))
    assert f'revision = "{migrate.HEAD}"' in newest.read_text()
