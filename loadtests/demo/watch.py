"""Reads the state of the installation once a second, for the view; judges nothing.

What cannot be read for a moment (a gateway was just killed) keeps its last value.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from loadtests.books import ERPS, Erp
from loadtests.demo.board import Board, ErpReading, Reading
from loadtests.demo.control import Samples, metrics
from loadtests.demo.errors import DemoError
from loadtests.demo.stage import Stage
from loadtests.demo.tail import JournalTail

#: Between two readings, in s: enough to follow, little enough to cost next to nothing.
EVERY_S = 1.0


class Watch(threading.Thread):
    """A thread that keeps ``board.reading`` fresh and has the view drawn.

    ``sold`` says what channels sold by themselves; without it there are none.
    """

    def __init__(
        self,
        board: Board,
        stage: Stage,
        key: str,
        tail: JournalTail,
        draw: Callable[[], None],
        sold: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._board = board
        self._stage = stage
        self._key = key
        self._tail = tail
        self._draw = draw
        self._sold = sold
        self._ended = threading.Event()

    def run(self) -> None:
        """Read and draw until :meth:`end`."""
        while not self._ended.wait(EVERY_S):
            self._board.reading = self.read()
            self._draw()

    def end(self) -> None:
        """Stop reading."""
        self._ended.set()
        self.join(timeout=10)

    def read(self) -> Reading:
        """How it stands now."""
        before = self._board.reading
        samples = self._samples()
        erps = {erp: self._erp(erp, before.erps.get(erp, ErpReading()), samples) for erp in ERPS}
        reading = replace(before, erps=erps, traffic=self._tail.read(), sold=self._sold())
        if samples is None:
            return reading
        return replace(
            reading,
            flight=_backlog(samples, "flight"),
            held=_backlog(samples, "held"),
            parked=_backlog(samples, "parked"),
        )

    def _erp(self, erp: Erp, before: ErpReading, samples: Samples | None) -> ErpReading:
        reading = before
        if samples is not None:
            reading = replace(
                reading,
                waiting=_backlog(samples, erp),
                open_calls=int(_quota(samples, erp, "in_flight")),
                in_window=int(_quota(samples, erp, "in_window")),
                closed_s=_quota(samples, erp, "closed_s"),
            )
        try:
            control = self._stage.control(erp)
            counters, faults = control.counters(), control.faults()
        except DemoError:
            return reading
        throttled = counters["throttled_429"] + counters["throttled_503"]
        return replace(
            reading, booked=counters["booked"], throttled=throttled, faults=tuple(faults)
        )

    def _samples(self) -> Samples | None:
        """Backlog and quotas are the installation's: any gateway process can say them."""
        for gateway in list(self._stage.gateways):
            if "url" in gateway.announced and gateway.alive():
                try:
                    return metrics(gateway.url, self._key)
                except DemoError:
                    continue
        return None


def _backlog(samples: Samples, what: str) -> int:
    return int(samples.get(("coexist_backlog", (("what", what),)), 0))


def _quota(samples: Samples, erp: Erp, reading: str) -> float:
    return samples.get(("coexist_erp_quota", (("erp", erp), ("reading", reading))), 0.0)
