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

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from gateway.canonical.exchange import Limits, Taken, Traffic
from gateway.policy.quotas import CLASSES, reserved, tightest, usable

K = TypeVar("K", bound=Hashable)

#: A gain below it is not worth n probes for one lost answer.
GAIN_MIN: Final = 1.1
#: Of the best throughput any size reaches, what the chosen size has to reach: the last percents
#: would double the size.
ENOUGH: Final = 0.95
#: Of a call's deadline, what the work of a batch may take as expected; the rest is for a bad day.
DEADLINE_PART: Final = 0.5


#: Of a window, what one batch may take: more would leave much of it unused until there is room for
#: the whole.
WINDOW_PART: Final = 0.1
#: What the messages of one batch may be long together. Their documents are about as long, and a
#: request of a megabyte is written well before its deadline on any line an ERP is called over.
BYTES_MAX: Final = 1_000_000


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


@dataclass(frozen=True, slots=True)
class Plan:
    """How many documents go in one request at most, and whether each counts as a call."""

    documents_max: int = 1
    counts_inner: bool = True

    def units(self, documents: int) -> int:
        """Return what a request with so many documents counts: the batch itself counts, too."""
        return documents + 1 if self.counts_inner and documents > 1 else 1


def plan(limits: Limits, request_ms: int) -> Plan:
    """Return what the profile in force makes of batches: none where no figure shows a gain.

    Where places are found by how long answers take, batches of all lengths would spoil the measure.
    """
    batching = limits.batching
    if limits.adaptive or not (limits.windows or batching.work_ms):
        return Plan()
    tight = tightest(limits)
    load = Load(
        rate_s=usable(tight.calls_max, limits.shares.foreign) * 1000 / tight.span_ms,
        places=max(1, limits.places - limits.shares.foreign_places),
        counts_inner=batching.counts_inner,
        overhead_ms=batching.overhead_ms,
        work_ms=batching.work_ms,
        request_ms=request_ms,
    )
    size = batch_size(load, min(batching.documents_max, _fits(limits)))
    return Plan(size, batching.counts_inner)


def _fits(limits: Limits) -> int:
    """Return how many operations are no more than a batch's part of every window."""
    if not limits.batching.counts_inner:
        return limits.batching.documents_max
    dearest = max(limits.costs.get(kind, 1) for kind in CLASSES)
    fit = limits.batching.documents_max
    for window in limits.windows:
        most = usable(window.calls_max, limits.shares.foreign)
        own = most - reserved(most, limits.shares.read)
        fit = min(fit, int(own * WINDOW_PART) // dearest - 1)
    return max(1, fit)


def together(
    rows: Sequence[tuple[K, Taken]], size: int, bytes_max: int = BYTES_MAX
) -> list[list[Taken]]:
    """Say what goes in one request, at most ``size`` and ``bytes_max``, in the given order.

    Only messages of one kind (the first of each row: their class) go together, and only sends with
    sends, look-ups with look-ups. What was taken before without an outcome goes alone: whatever
    is wrong with it stops nobody else.
    """
    groups: list[list[Taken]] = []
    filling: dict[tuple[K, bool], tuple[list[Taken], int]] = {}
    for kind, taken in rows:
        key, length = (kind, taken.open_ms is None), len(taken.payload)
        group, filled = filling.get(key, ([], 0))
        if taken.takes > 1 or not group or len(group) >= size or filled + length > bytes_max:
            group, filled = [], 0
            groups.append(group)
        group.append(taken)
        if taken.takes == 1:
            filling[key] = group, filled + length
    return groups


def calls(want: Mapping[Traffic, int], size: int, room: int) -> dict[Traffic, int]:
    """Return in how many calls what is wanted goes, the most urgent first, at most ``room``."""
    asked = {}
    for kind, count in want.items():
        asked[kind] = min(room, -(-count // size))
        room -= asked[kind]
    return asked
