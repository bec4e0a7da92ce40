"""What an ERP allows, and how much of it is used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What an ERP allows: ``calls_max`` per ``window_ms``, ``concurrent_max`` at once.

    After ``call_ms_max`` a permit nobody gave back counts as used.
    """

    concurrent_max: int
    calls_max: int
    window_ms: int
    call_ms_max: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Permits for one call each; with none, ``wait_ms`` is when asking again is worth it."""

    permits: tuple[str, ...]
    wait_ms: int


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A reading: calls in flight, calls counted in the window, ms the key stays closed."""

    in_flight: int
    in_window: int
    closed_ms: int
