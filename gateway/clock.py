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
    """Random texts for a hot path: made some hundred at a time, not at a syscall each.

    A text has 16 of the 32 letters of ``alphabet``: 80 bits, as :func:`token_bits`. For one event
    loop of one process: neither threads nor a fork may share a pool.
    """

    LETTERS: Final = 16

    def __init__(self, alphabet: str, tokens: int = 400) -> None:
        self._letters = (alphabet * 8).encode()  # of each byte of chance five bits count
        self._size = tokens * self.LETTERS
        self._text = ""
        self._at = 0

    def next(self) -> str:
        """Return a text that was never returned before."""
        at = self._at
        if at == len(self._text):
            self._text = os.urandom(self._size).translate(self._letters).decode()
            at = 0
        self._at = at + self.LETTERS
        return self._text[at : self._at]
