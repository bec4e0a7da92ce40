"""The folder of the embedded server: who may use it, who holds it, where its socket is.

The lock on the folder is a ``flock`` that the server inherits, so it lives exactly as long as the
server (and a rewrite of its log) does, whoever else is killed. It is taken on the folder itself:
there is no lock file that somebody could tidy away. The *gate* is another lock, held for moments:
starting, stopping and counting clients exclude each other.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

from gateway.errors import ConfigError, StoreUnavailable

#: A socket's path must fit ``sun_path``: 104 bytes on macOS, 108 on Linux, one of them a NUL.
SOCKET_BYTES_MAX: Final = 100
#: At this size the server's log is put aside at the next start; one older one is kept.
LOG_BYTES_MAX: Final = 4 * 1024 * 1024

PAUSE_S: Final = 0.02

#: Device and number of a folder.
Identity: TypeAlias = tuple[int, int]


class ServerFolder:
    """``DATA_DIR/valkey``; nothing is made before :meth:`prepare`."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.resolve() / "valkey"  # one spelling: it may decide on the socket
        self.config = self.path / "valkey.conf"
        self.log = self.path / "valkey.log"
        self.pid = self.path / "valkey.pid"
        self.keeper_log = self.path / "keeper.log"
        self._gate = self.path / "gate.lock"
        self._keeper = self.path / "keeper.lock"
        self._socket_record = self.path / "socket"

    def prepare(self) -> None:
        """Make the folder, closed to others.

        Raises :class:`~gateway.errors.ConfigError` if it cannot be made or belongs to somebody
        else, whose server could then no longer read the files.
        """
        with self.errors():
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            owner, me = self.path.stat().st_uid, os.geteuid()
            if owner != me:
                raise ConfigError(
                    f"the store's folder {self.path} belongs to user {owner} and this is user "
                    f"{me}: run as that user, or set COEXIST_DATA_DIR to a folder of your own"
                )
            self.path.chmod(0o700)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Translate what the file system refuses; it may be a setting, or a disk that is full."""
        try:
            yield
        except OSError as error:
            text = f"the store's folder {self.path}: {error.strerror or error}"
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
                raise StoreUnavailable(f"{text}; free disk space and start again") from error
            raise ConfigError(
                f"{text}; set COEXIST_DATA_DIR to a folder on a local disk that this user may write"
            ) from error

    def new_log(self) -> int:
        """Put a long log aside; return where the words of the server about to start begin."""
        with self.errors():
            size = self.log.stat().st_size if self.log.exists() else 0
            if size > LOG_BYTES_MAX:
                self.log.replace(self.log.with_suffix(".log.1"))
                return 0
            return size

    def identity(self) -> Identity | None:
        """Return what tells this folder from one made later under the same name."""
        try:
            place = self.path.stat()
        except OSError:
            return None
        return place.st_dev, place.st_ino

    @contextmanager
    def pinned(self) -> Iterator[Identity]:
        """Yield :meth:`identity`; while this lasts, no folder made later gets the same.

        A file system gives a number anew as soon as nobody has what it was of.
        """
        with self.errors():
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            place = os.fstat(descriptor)
            yield place.st_dev, place.st_ino
        finally:
            os.close(descriptor)

    # ----------------------------------------------------------------- locks

    def lock(self) -> int | None:
        """Take the folder: a descriptor that holds it until closed, None if a server has it."""
        with self.errors():
            return _flock(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY))

    def keeper_lock(self) -> int | None:
        """Become its keeper: a descriptor as of :meth:`lock`, None if there is one."""
        with self.errors():
            return _flock(os.open(self._keeper, os.O_RDWR | os.O_CREAT, 0o600))

    def held(self) -> bool:
        """Say whether a server holds the folder."""
        lock = self.lock()
        if lock is not None:
            os.close(lock)
        return lock is None

    @contextmanager
    def gate(self, wait_s: float) -> Iterator[None]:
        """Exclude others who start or stop; :class:`StoreUnavailable` after ``wait_s``."""
        deadline_s = time.monotonic() + wait_s
        with self.errors():
            gate = _flock(os.open(self._gate, os.O_RDWR | os.O_CREAT, 0o600))
            while gate is None:
                if time.monotonic() > deadline_s:
                    raise StoreUnavailable(
                        f"another process has been starting or stopping the server of {self.path} "
                        f"for {wait_s:g} s: find it with `fuser {self._gate}` and end it"
                    )
                time.sleep(PAUSE_S)
                gate = _flock(os.open(self._gate, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            yield
        finally:
            os.close(gate)

    # ----------------------------------------------------------------- socket

    @property
    def url(self) -> str:
        """Where the server listens, if one runs, as in COEXIST_REDIS_URL."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def socket(self) -> Path:
        """The socket: in the folder or, if its path is too long, where the last start put it."""
        direct = self.path / "valkey.sock"
        return direct if _fits(direct) else self._recorded() or direct

    def new_socket(self) -> Path:
        """Choose the socket of the server about to start; whoever calls this holds the folder."""
        socket = self.socket
        if _fits(socket):
            return socket
        with self.errors():
            socket = Path(tempfile.mkdtemp(prefix="coexist-"), "valkey.sock")
            if not _fits(socket):
                socket.parent.rmdir()
                raise ConfigError(
                    f"no socket can be made: {socket} and {self.path} are both longer than "
                    f"{SOCKET_BYTES_MAX} bytes; set COEXIST_DATA_DIR or TMPDIR to a shorter path"
                )
            self._socket_record.write_text(str(socket))
        return socket

    def forget_socket(self) -> None:
        """Remove what :meth:`new_socket` made outside the folder."""
        socket = self._recorded()
        if socket is not None:
            shutil.rmtree(socket.parent, ignore_errors=True)
        with self.errors():
            self._socket_record.unlink(missing_ok=True)

    def _recorded(self) -> Path | None:
        with suppress(OSError):  # never recorded, or its folder is gone: there is no such socket
            socket = Path(self._socket_record.read_text())
            place = socket.parent.lstat()
            # In a folder open to all, somebody else could have put a socket of that name.
            if stat.S_ISDIR(place.st_mode) and place.st_uid == os.geteuid():
                return socket
        return None


def _fits(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= SOCKET_BYTES_MAX


def _flock(descriptor: int) -> int | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
