"""A permit: the right to make one call, and what became of it on the wire.

Whoever makes a call does it *under* its permit; the HTTP client, several layers below, finds it in
the context, refuses to send under one that has run out, and notes on it what only it can know: when
the request had left, and what came back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar, Final

from gateway.canonical.exchange.traffic import Traffic

#: What is on its way at once after it was written: ten segments (RFC 6928, the initial window of
#: TCP), less the headers. The rest of a longer request waits for acknowledgements, on a slow line
#: for many of them, and nobody tells us when the last byte has left.
AT_ONCE_BYTES: Final = 12_000


@dataclass(slots=True, eq=False)
class Permit:
    """The right to make one call, begun before ``use_by_s`` on the holder's monotonic clock.

    ``asked_s`` is when it was asked for, on that clock: the store granted it later than that.
    ``units`` are the operations of the call that count one by one.
    ``how`` says what came of it: ``unused``, ``none`` (a call was made, nothing else is known),
    ``ok``, ``busy`` (429), ``fail`` (a 5xx, no connection, one that broke), ``gone`` (we gave up
    waiting: the ERP may be serving it still) or ``cut`` (so did whoever made the call, which says
    nothing of the ERP). ``closes_ms`` is for how long the ERP asked for silence.
    """

    token: str
    kind: Traffic
    asked_s: float
    use_by_s: float
    clock: Callable[[], float] = field(repr=False)
    units: int = 1
    how: str = "unused"
    left_s: float | None = None
    ended_s: float | None = None
    closes_ms: int = 0
    long: bool = False

    _current: ClassVar[ContextVar[Permit | None]] = ContextVar("permit", default=None)

    @staticmethod
    def current() -> Permit | None:
        """Return the permit under which this is called, if there is one."""
        return Permit._current.get()

    @classmethod
    def free(cls, clock: Callable[[], float]) -> Permit:
        """Return one for a call that no quota is about."""
        return cls("", Traffic.READ, 0.0, inf, clock)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Within, calls are made under this permit."""
        before = Permit._current.set(self)
        self.how = "none"
        try:
            yield
        finally:
            Permit._current.reset(before)

    @property
    def good(self) -> bool:
        """Whether a call may still begin."""
        return self.clock() <= self.use_by_s

    def begins(self, body_bytes: int) -> None:
        """Note that a request with such a body is about to be sent."""
        self.long = body_bytes > AT_ONCE_BYTES

    def left(self) -> None:
        """Note that the request is on the wire by now, if it is no long one."""
        self.left_s = self.clock()

    def ended(self, how: str, closes_ms: int = 0) -> None:
        """Note what came of the call."""
        self.how, self.ended_s, self.closes_ms = how, self.clock(), closes_ms

    @property
    def left_after_ms(self) -> int | None:
        """How long after the grant the request was on the wire at the latest; None: not known."""
        if self.left_s is None or self.long:
            return None
        return int((self.left_s - self.asked_s) * 1000) + 1

    @property
    def took_ms(self) -> int | None:
        """From the wire to the answer; None: not known."""
        if self.left_s is None or self.ended_s is None:
            return None
        return max(0, int((self.ended_s - self.left_s) * 1000))
