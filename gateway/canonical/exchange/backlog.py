"""How much waits, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.process import Priority

PerClass = tuple[int, int, int, int]
NONE: PerClass = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Backlog:
    """A reading of the buffer, over all partitions.

    ``legacy`` and ``cloud`` are objects in lanes and documents awaiting posting, ``flight`` and
    ``parked`` objects, ``held`` and ``waits`` messages: those that wait for a cause. ``events`` are
    what the ledger has not got. ``booked`` counts messages since the installation began. By class:
    ``waiting`` messages not booked, and for how long (ms) the longest due object has been
    ``oldest_ms``. ``memory_bytes`` of ``memory_max_bytes`` are used; 0: the store has no limit.
    """

    legacy: int = 0
    cloud: int = 0
    flight: int = 0
    parked: int = 0
    held: int = 0
    waits: int = 0
    events: int = 0
    booked: int = 0
    waiting: PerClass = NONE
    oldest_ms: PerClass = NONE
    memory_bytes: int = 0
    memory_max_bytes: int = 0

    def places(self) -> dict[str, int]:
        """Return what is where, by name."""
        names = ("legacy", "cloud", "flight", "parked", "held", "waits")
        return {name: getattr(self, name) for name in names}

    def by_class(self) -> dict[str, int]:
        """Return messages not booked by the name of their class."""
        return {it.name.lower(): self.waiting[it] for it in Priority}


@dataclass(frozen=True, slots=True)
class Peak:
    """The peak mode while it is on; ``at`` is when it was switched on (UTC, ISO 8601)."""

    by: str
    reason: str
    at: str
