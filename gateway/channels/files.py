"""Files that channels send: read as a stream, in bounded memory, and hashed on the way."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO, Final

_CHUNK: Final = 1 << 16


class HashedLines:
    """The lines of a binary file, at most ``line_bytes_max`` + 1 bytes at a time."""

    def __init__(self, file: BinaryIO, line_bytes_max: int) -> None:
        self._file = file
        self._line_bytes_max = line_bytes_max
        self._hash = sha256()

    def __iter__(self) -> Iterator[bytes]:
        readline, update, most = self._file.readline, self._hash.update, self._line_bytes_max + 1
        while line := readline(most):
            update(line)
            yield line

    def sha256(self) -> str:
        """Read the rest of the file; return the hash of all its bytes, as hex digits."""
        while chunk := self._file.read(_CHUNK):
            self._hash.update(chunk)
        return self._hash.hexdigest()
