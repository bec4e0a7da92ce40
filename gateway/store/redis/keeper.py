"""The keeper of an embedded server: a process that stops it when nobody has used it for a while.

``python -m gateway.store.redis.keeper DATA_DIR IDLE_S LOCK``, where LOCK is an inherited descriptor
that holds the keeper's lock. Killing a keeper harms nothing: the next start makes another.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from gateway.errors import CoexistError
from gateway.store.redis.embedded import WAIT_S, ask, connection, shut_down
from gateway.store.redis.folder import ServerFolder

_POLLS_IN_IDLE: Final = 4
_POLL_S_MAX: Final = 1.0


class Idleness:
    """Knows since when a server has had no client but its keeper.

    Clients that came and went between two looks count too: the server counts connections.
    """

    def __init__(self) -> None:
        self._connections: int | None = None
        self._since_s = 0.0

    def seen(self, now_s: float, clients: int, connections: int) -> float:
        """Take note of the connected clients and of all connections ever made; return seconds."""
        if clients > 1 or connections != self._connections:
            self._connections, self._since_s = connections, now_s
        return now_s - self._since_s


def keep(folder: ServerFolder, idle_s: float, lock: int) -> None:
    """Watch until the server is gone, or idle for ``idle_s`` and then stopped by us.

    The keeper's lock is given up behind the gate, so that whoever starts the next server sees
    either a keeper that stays or none.
    """
    poll_s = min(_POLL_S_MAX, idle_s / _POLLS_IN_IDLE)
    while True:
        watch(folder, idle_s, poll_s)
        with folder.gate(WAIT_S):
            if not folder.held():
                os.close(lock)
                return
        time.sleep(poll_s)  # another server came in the meantime, or this one is silent: look again


def watch(folder: ServerFolder, idle_s: float, poll_s: float) -> None:
    """Return when the server was stopped for being idle, or does not answer."""
    client = connection(folder.url)
    idleness = Idleness()
    try:
        while True:
            if _idle_for(client, idleness) >= idle_s:
                with folder.gate(WAIT_S):
                    if _idle_for(client, idleness) >= idle_s:  # nobody came while we waited
                        shut_down(folder, WAIT_S)
                        return
            time.sleep(poll_s)
    except (RedisError, OSError):
        return
    finally:
        client.close()


def _idle_for(client: Redis, idleness: Idleness) -> float:
    clients = ask(client, "INFO", "clients")["connected_clients"]
    connections = ask(client, "INFO", "stats")["total_connections_received"]
    return idleness.seen(time.monotonic(), int(clients), int(connections))


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
