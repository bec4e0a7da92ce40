"""Holds payloads with something unannounced until the ledger has them, as many as it would keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from gateway.canonical.exchange.drifting import (
    HELD_CHARS_MAX,
    HELD_MAX,
    KeptPayload,
    Whole,
)
from gateway.canonical.storable import storable
from gateway.ports.drifts import DriftBook


class PayloadTally:
    """The payloads of one process between two writes."""

    def __init__(self) -> None:
        self._held: list[tuple[str, str, Whole]] = []
        self._chars = 0
        self._left_out: Counter[str] = Counter()
        # Channels whose day is full: what they send is no longer held, only counted.
        self._full: frozenset[str] = frozenset()
        self._full_on = date.min

    def keep(self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int) -> None:
        """Hold payloads; those that there is no room for are counted, and so are ``left_out``."""
        for it in wholes:
            no_room = len(self._held) >= HELD_MAX or self._chars >= HELD_CHARS_MAX
            if no_room or channel in self._full:
                left_out += 1
            else:
                self._held.append((channel, payload, it))
                self._chars += len(it.text)
        if left_out:
            self._left_out[channel] += left_out

    async def flush(self, book: DriftBook, now: datetime, a_day: int) -> None:
        """Write them down; if that fails they are held on."""
        if now.date() != self._full_on:
            self._full, self._full_on = frozenset(), now.date()
        if not self._held and not self._left_out:
            return
        held, self._held = self._held, []
        chars, self._chars = self._chars, 0
        left_out, self._left_out = self._left_out, Counter()
        payloads = [
            KeptPayload(channel, payload, storable(it.reference), now, it.found, it.text)
            for channel, payload, it in held
        ]
        try:
            self._full |= await book.keep_payloads(payloads, left_out, now, a_day)
        except BaseException:
            self._held = [*held, *self._held]
            self._chars += chars
            self._left_out.update(left_out)
            raise
