"""Counts what channels send that nobody announced, until it is written down.

Whoever takes a webhook must not wait for the ledger because a field is new: it is counted here and
written every few seconds. A process that is killed in between loses those counts, and the payloads
it held; a write whose answer is lost is made again, and counts twice. Nothing else hangs on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from gateway.canonical.exchange.drifting import REST, Drift, Surprise, Whole, placed
from gateway.canonical.storable import storable
from gateway.observe.payloads import PayloadTally
from gateway.ports.drifts import DriftBook

#: Surprises told apart between two writes; what is above it is counted without its path.
APART_MAX: Final = 500


class _Place(NamedTuple):
    channel: str
    payload: str
    kind: str
    path: str
    value: str


class DriftTally:
    """The surprises of one process."""

    def __init__(self) -> None:
        self._counts: Counter[_Place] = Counter()
        self._examples: dict[_Place, str] = {}
        self._payloads = PayloadTally()

    def note(self, channel: str, payload: str, surprise: Surprise) -> None:
        """Count it, and keep the first example of it."""
        kind, path, value = placed(surprise.found)
        place = _Place(channel, payload, kind, path, value)
        if place not in self._counts and len(self._counts) >= APART_MAX:
            place = _Place(channel, payload, kind, REST, "")
        self._counts[place] += surprise.times
        self._examples.setdefault(place, storable(surprise.example))

    def keep(self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int = 0) -> None:
        """Hold payloads until they are written down; ``left_out`` more came."""
        self._payloads.keep(channel, payload, wholes, left_out)

    async def flush(self, book: DriftBook, now: datetime, a_day: int) -> None:
        """Write down what was counted and held; if that fails it stays so.

        ``a_day`` is how many payloads of one channel are kept on a day.
        """
        await self._count(book, now)
        await self._payloads.flush(book, now, a_day)

    async def _count(self, book: DriftBook, now: datetime) -> None:
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        examples, self._examples = self._examples, {}
        try:
            found = [Drift(*it, count, now, now, examples[it]) for it, count in counts.items()]
            await book.keep_drifts(found)
        except BaseException:
            self._counts.update(counts)
            self._examples.update(examples)
            raise
