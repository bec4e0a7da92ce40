"""The keeper of an embedded server: a process that stops it when nobody has used it for a while.

``python -m gateway.store.redis.keeper DATA_DIR IDLE_S LOCK``, where LOCK is an inherited descriptor
that holds the keeper's lock. Killing a keeper harms nothing: the next start makes another.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from gateway.errors import CoexistError
from gateway.store.redis.embedded import WAIT_S, ask, connection, shut_down
from gateway.store.redis.folder import Identity, ServerFolder

_POLLS_IN_IDLE: Final = 4
_POLL_S_MAX: Final = 1.0


class Seen(NamedTuple):
    """What a server says: its run and process, clients connected now, connections ever made."""

    run: str
    pid: int
    clients: int
    connections: int


class Idleness:
    """Knows since when a server has had no client but its keeper.

    Clients that came and went between two looks count too: the server counts connections.
    """

    def __init__(self) -> None:
        self._connections: int | None = None
        self._since_s = 0.0

    def note(self, now_s: float, seen: Seen) -> float:
        """Take note of a look; return for how many seconds the server has been idle."""
        if seen.clients > 1 or seen.connections != self._connections:
            self._connections, self._since_s = seen.connections, now_s
        return now_s - self._since_s


def keep(folder: ServerFolder, idle_s: float, lock: int) -> None:
    """Watch until the server is gone, or idle for ``idle_s`` and then stopped by us.

    The keeper's lock is given up behind the gate, so that whoever starts the next server sees
    either a keeper that stays or none.
    """
    os.pwrite(lock, f"{os.getpid():<12}\n".encode(), 0)  # for staff who look who it is
    poll_s = min(_POLL_S_MAX, idle_s / _POLLS_IN_IDLE)
    with folder.pinned() as ours:
        while True:
            with closing(connection(folder.url)) as client:
                _watch(folder, ours, client, idle_s, poll_s)
            if folder.identity() != ours:
                return
            with folder.gate(WAIT_S):
                if not folder.held():
                    folder.forget_socket()
                    os.close(lock)
                    return
            time.sleep(poll_s)  # it takes its time to stop, is silent, or is another: look again


def _watch(
    folder: ServerFolder, ours: Identity, client: Redis, idle_s: float, poll_s: float
) -> None:
    """Return when the server was stopped, for being idle, or does not answer, or is another one.

    The library reconnects silently, so each look makes sure whom it sees. A server whose folder or
    socket was removed is killed, whoever uses it: nobody will read what it writes, or nobody new
    can reach it, and its users shall know. To stop in good order it would remove the socket of its
    name, by now perhaps another server's.
    """
    idleness = Idleness()
    with suppress(RedisError, OSError):
        run = _look(client).run
        while (seen := _look(client)).run == run:
            if folder.identity() != ours or not folder.socket.exists():
                return os.kill(seen.pid, signal.SIGKILL)
            if idleness.note(time.monotonic(), seen) >= idle_s:
                with folder.gate(WAIT_S):  # nobody comes from here on; did somebody before?
                    if _look(client) == seen and folder.identity() == ours:
                        return shut_down(folder, client)
            time.sleep(poll_s)
    return None


def _look(client: Redis) -> Seen:
    info = ask(client, "INFO", "server", "clients", "stats")
    return Seen(
        run=info["run_id"],
        pid=int(info["process_id"]),
        clients=int(info["connected_clients"]),
        connections=int(info["total_connections_received"]),
    )


def main(arguments: list[str]) -> int:
    """Keep until there is nothing to keep; 1 if the server would not stop."""
    data_dir, idle_s, lock = arguments
    try:
        keep(ServerFolder(Path(data_dir)), float(idle_s), int(lock))
    except CoexistError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
