"""Quota arithmetic: shares of a limit, what an answer says of an ERP, who gets which permit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from gateway.canonical.exchange import Limits, Ready, Traffic, Window

K = TypeVar("K")

#: Objects of the lanes' four classes, as traffic.
CLASSES = (Traffic.CRITICAL, Traffic.HIGH, Traffic.NORMAL, Traffic.LOW)

#: Polls of stored documents: other messages of their objects stand behind them.
POLLS = Traffic.HIGH


def usable(calls_max: int, part: float) -> int:
    """Return what is left of a limit without ``part`` of it: at least 1, rounded down."""
    return max(1, math.floor(calls_max * (1 - part) + 1e-9))


def reserved(calls_max: int, part: float) -> int:
    """Return ``part`` of a limit, rounded down: a reserve below one call is none."""
    return min(calls_max - 1, math.floor(calls_max * part + 1e-9))


def token_bucket(rate_per_s: float, burst: int) -> tuple[int, int]:
    """Return the sliding window (calls, ms) that fits within a token bucket and fills it.

    The bucket allows ``burst`` + ``rate`` x t calls in any t. A window of ``burst`` calls per
    ``burst`` / ``rate`` allows at most ``burst`` x ceil(t / span), which is never more, and in the
    long run exactly ``rate``.
    """
    return burst, math.ceil(burst / rate_per_s * 1000)


def tightest(limits: Limits) -> Window:
    """Return the window that allows the least in the long run; one that never binds if none is."""
    unlimited = Window(1_000_000_000, 60_000)
    return min(limits.windows, key=lambda it: it.calls_max / it.span_ms, default=unlimited)


def verdict(status: int, *, fault: bool = False) -> str:
    """Say what an answer's status tells of the ERP: ``ok``, ``busy`` or ``fail``.

    ``fault``: SOAP 1.1 sends business faults as 500; one that carries XML is an answer like others.
    """
    if status == 429:
        return "busy"
    return "fail" if status >= 500 and not (status == 500 and fault) else "ok"


def wanted(work: Iterable[Ready], room: int, polls_per_call: int) -> dict[Traffic, int]:
    """Return how many calls of which kind to ask for: the most urgent ones, at most ``room``."""
    counts = dict.fromkeys(CLASSES, 0)
    polls = 0
    for ready in work:
        polls += ready.polls
        for kind, objects in zip(CLASSES, ready.by_class, strict=True):
            counts[kind] += objects
    counts[POLLS] += math.ceil(polls / polls_per_call)
    asked = {}
    for kind in CLASSES:
        asked[kind] = min(room, counts[kind])
        room -= asked[kind]
    return asked


def planned(permits: Mapping[Traffic, int], work: Sequence[tuple[K, Ready]]) -> dict[K, list[int]]:
    """Say how many objects of each class to take from where, the most urgent of all places first.

    Among equally urgent ones those that are due the longest are first: a place where one object
    has many messages, of which only the first is ever due, gets its turn as often as that is.
    A permit may serve a more urgent object than it was asked for, never a less urgent one.
    """
    left = {where: list(ready.by_class) for where, ready in work}
    takes = {where: [0, 0, 0, 0] for where in left}
    for kind in CLASSES:
        free = permits.get(kind, 0)
        for level in range(CLASSES.index(kind) + 1):
            if not free:
                break
            since = {where: it.since_ms[level] for where, it in work if left[where][level]}
            for where in sorted(since, key=since.__getitem__):
                count = min(free, left[where][level])
                left[where][level] -= count
                takes[where][level] += count
                free -= count
    return {where: counts for where, counts in takes.items() if any(counts)}
