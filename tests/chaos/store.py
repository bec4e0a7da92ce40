"""The embedded Valkey and the ledger of an installation, to be broken and put right again."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from redis.exceptions import RedisError

from gateway.store.redis import embedded, keys
from gateway.store.redis.folder import ServerFolder
from tests.contract.postgres import Postgres

#: How long a call to a store that may stand still is waited for, in s.
ANSWER_S = 1.0


class Store:
    """The embedded Valkey of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._folder = ServerFolder(data_dir)

    def pid(self) -> int | None:
        """Its process; None if none runs."""
        with suppress(OSError, ValueError, psutil.Error):
            pid = int(self._folder.pid.read_text())
            process = psutil.Process(pid)
            # Nobody may have buried one that was killed: its parent is whoever adopts orphans.
            if "valkey" in process.name() and process.status() != psutil.STATUS_ZOMBIE:
                return pid
        return None

    def signal(self, number: signal.Signals) -> int | None:
        """Send it a signal; its process, None if none runs."""
        pid = self.pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid

    def start(self) -> None:
        """Start it on its files, unless it runs; one that stands still is not waited for."""
        if self.pid() is None:
            embedded.ensure(self._data_dir)

    def end(self) -> None:
        """Stop it for good."""
        self.signal(signal.SIGCONT)
        embedded.stop(self._data_dir)

    def fill(self) -> bool:
        """Leave it no memory for anything new; whether that was possible."""
        with self._client() as client:
            try:
                client.config_set("maxmemory", 1)
            except (RedisError, OSError):
                return False
        return True

    def relieve(self) -> bool:
        """Give it all the memory it wants; whether that was possible."""
        with self._client() as client:
            try:
                client.config_set("maxmemory", 0)
            except (RedisError, OSError):
                return False
        return True

    def in_force(self) -> tuple[str, str] | None:
        """The rule version in force, and the one being applied or ""; None if it cannot say."""
        with self._client() as client:
            try:
                version, pending = client.hmget(keys.BOOK, "version", "pending_version")
            except (RedisError, OSError):
                return None
        return (version or b"").decode(), (pending or b"").decode()

    def _client(self) -> closing[Any]:
        return closing(
            Redis.from_url(
                self._folder.url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
            )
        )


class SqliteLedger:
    """A ledger file: it is away while somebody else writes and does not end."""

    def __init__(self, file: Path) -> None:
        self.url = f"sqlite:///{file}"
        self._file = file
        self._lock: sqlite3.Connection | None = None

    def lose(self) -> bool:
        """Lock it; whether that was possible."""
        lock = sqlite3.connect(
            self._file, timeout=ANSWER_S, isolation_level=None, check_same_thread=False
        )
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            return False
        self._lock = lock
        return True

    def restore(self) -> None:
        """Let others write again."""
        if self._lock is not None:
            self._lock.rollback()
            self._lock.close()
            self._lock = None

    def close(self) -> None:
        """Nothing is left to be closed."""
        self.restore()


class PostgresLedger:
    """A ledger in PostgreSQL: it is away while the server is stopped."""

    def __init__(self) -> None:
        self._server = Postgres()
        self.url = self._server.url
        self._lost = False

    def lose(self) -> bool:
        """Stop the server."""
        self._server.stop()
        self._lost = True
        return True

    def restore(self) -> None:
        """Start it again."""
        if self._lost:
            self._server.start()
            self._lost = False

    def close(self) -> None:
        """Stop it for good."""
        self._server.close()


Ledger = SqliteLedger | PostgresLedger
