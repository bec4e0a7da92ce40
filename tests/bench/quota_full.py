"""Quota use at the published size, once: 6,000 calls in 300 s, which takes some six minutes.

See :mod:`tests.bench.quota`, whose windows are twenty times as short.
"""

from __future__ import annotations

from tests.bench.figure import Figure
from tests.bench.quota import Setting, drained


def run(quick: bool) -> list[Figure]:
    """Drain one window and half of the next; the quick one is of a minute's window."""
    parts = 5 if quick else 1
    return drained(Setting("full size", 6000 // parts, 300 / parts, (20, 80), 9_000 // parts))
