"""What there is to see: one object that the conductor writes to and the view reads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtests.books import Erp
from loadtests.demo.rules import Route
from loadtests.demo.tail import NO_TRAFFIC, Traffic

Kind = Literal["plain", "flip", "fault", "kill", "bad", "good"]

#: Events the live view shows.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Note:
    """One event: ``at_s`` seconds since the demo began."""

    at_s: float
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class ErpReading:
    """One ERP. ``open_calls`` and ``in_window`` are the gateway's use of its quota."""

    waiting: int = 0
    open_calls: int = 0
    in_window: int = 0
    closed_s: float = 0.0
    booked: int = 0
    throttled: int = 0
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole installation at one moment. ``flight``: objects workers are bringing over.

    ``traffic`` is that of callers of the API; ``sold`` what each other channel sold by its books.
    """

    erps: Mapping[Erp, ErpReading] = field(default_factory=dict)
    flight: int = 0
    held: int = 0
    parked: int = 0
    traffic: Traffic = NO_TRAFFIC
    sold: Mapping[str, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        """All that is to be booked: the "transactions accepted" of the audit, once it has come."""
        return self.traffic.accepted + sum(self.sold.values())


class Board:
    """The state of the demo for whoever shows it; safe to use from several threads."""

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.title = title
        self._clock = clock
        self._began_s = clock()
        self._lock = threading.Lock()
        self._notes: deque[Note] = deque(maxlen=SHOWN)
        self._listeners: list[Callable[[Note], None]] = []
        self.phase = "starting"
        self.traffic_from_s: float | None = None
        self.traffic_s = 0.0
        self.routes: list[Route] = []
        self.reading = Reading()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return self._clock() - self._began_s

    @property
    def progress(self) -> float:
        """How much of the traffic is over, 0 … 1."""
        if self.traffic_from_s is None or not self.traffic_s:
            return 0.0
        return min(1.0, max(0.0, (self._clock() - self.traffic_from_s) / self.traffic_s))

    def notes(self) -> list[Note]:
        """The latest events, the oldest first."""
        with self._lock:
            return list(self._notes)

    def listen(self, listener: Callable[[Note], None]) -> None:
        """Have ``listener`` called with every event from now on."""
        self._listeners.append(listener)

    def note(self, text: str, kind: Kind = "plain") -> None:
        """Something happened."""
        note = Note(self.elapsed_s, kind, text)
        with self._lock:
            self._notes.append(note)
        for listener in self._listeners:
            listener(note)
