"""The only source of time and randomness.

Everything that needs either takes a :class:`Clock` (or a ``random.Random``) by argument, so that
tests can stop time, jump it and replay chance from a seed. Redis scripts use the server's own
clock instead, which is why no two workers ever compare their wall clocks.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for durations, and the art of waiting."""

    def now(self) -> datetime:
        """Return the wall time, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never steps; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall time, in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the monotonic clock in seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` without blocking the loop."""
        await asyncio.sleep(seconds)


def token_bits(bits: int = 80) -> int:
    """Return ``bits`` of cryptographic randomness, for identifiers nobody should guess."""
    return secrets.randbits(bits)


class TokenPool:
    """:func:`token_bits` for a hot path: fetched some hundred at a time, not at a syscall each.

    For one event loop of one process: neither threads nor a fork may share a pool.
    """

    BITS: Final = 80
    _BYTES: Final = BITS // 8

    def __init__(self, tokens: int = 400) -> None:
        self._size = tokens * self._BYTES
        self._bytes = b""
        self._at = 0

    def next(self) -> int:
        """Return 80 bits that were never returned before."""
        if self._at == len(self._bytes):
            self._bytes, self._at = os.urandom(self._size), 0
        start = self._at
        self._at += self._BYTES
        return int.from_bytes(self._bytes[start : self._at], "big")
