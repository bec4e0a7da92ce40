"""Does sending several documents in one request gain anything? Pure arithmetic of the profile.

An ERP carries the operations of a batch out one after the other, so a batch of n takes the overhead
of one call and n times the work of one document. What that gains depends on what holds us up:

* *the rate*, and operations count one by one: nothing, a batch of ten is ten calls;
* *the rate*, and a batch counts as one call: up to n times as much;
* *the places* (so many calls at once): the overhead is paid once for n documents.

The price is that a lost answer leaves n outcomes unknown instead of one, and each is probed. So a
batch is only as large as it has to be, and none is made for a gain below :data:`GAIN_MIN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: A gain below it is not worth n probes for one lost answer.
GAIN_MIN: Final = 1.1
#: Of the best throughput any size reaches, what the chosen size has to reach: the last percents
#: would double the size.
ENOUGH: Final = 0.95
#: Of a call's deadline, what the work of a batch may take as expected; the rest is for a bad day.
DEADLINE_PART: Final = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What an ERP allows, and what a call takes.

    ``rate_s`` is calls a second, ``places`` calls at once; ``counts_inner`` says whether each
    operation of a batch counts as a call. ``overhead_ms`` is what a call takes beside the work,
    ``work_ms`` the work of one document, ``request_ms`` the deadline of a call.
    """

    rate_s: float
    places: int
    counts_inner: bool
    overhead_ms: float
    work_ms: float
    request_ms: int


def throughput_s(load: Load, size: int) -> float:
    """Return documents a second with batches of ``size`` (1: none)."""
    by_rate = load.rate_s * (1 if load.counts_inner else size)
    took_ms = max(load.overhead_ms + size * load.work_ms, 0.001)
    return min(by_rate, load.places * size * 1000 / took_ms)


def batch_size(load: Load, size_max: int) -> int:
    """Return how many documents to send in one request; 1 where batches gain nothing."""
    if load.work_ms > 0:
        room_ms = max(0.0, load.request_ms * DEADLINE_PART - load.overhead_ms)
        size_max = int(min(size_max, room_ms / load.work_ms))
    if size_max < 2:
        return 1
    single, best = throughput_s(load, 1), throughput_s(load, size_max)
    if best < single * GAIN_MIN:
        return 1
    return next(n for n in range(2, size_max + 1) if throughput_s(load, n) >= best * ENOUGH)
