"""What the driver's journal says so far: read as it grows, for the live view only."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.tally import percentile

#: Percentiles in the view are of so many requests, the last ones: they show what happens now.
RECENT = 400
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was sent and answered so far.

    Transactions accepted, messages answered as repeats or refused for good, reads answered,
    attempts that got no answer or a 5xx; p50 and p99 of recent writes, in ms.
    """

    accepted: int = 0
    repeats: int = 0
    rejected: int = 0
    reads: int = 0
    attempts_failed: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0


NO_TRAFFIC = Traffic()


class JournalTail:
    """Follows a journal another process writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = b""
        self._counts = dict.fromkeys(("repeats", "rejected", "reads", "failed"), 0)
        self._accepted: set[str] = set()
        self._latest_ms: deque[float] = deque(maxlen=RECENT)

    def read(self) -> Traffic:
        """Take in what was written since the last time."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._at)
                while chunk := file.read(_CHUNK):
                    self._at += len(chunk)
                    self._take(chunk)
        recent, counts = list(self._latest_ms), self._counts
        return Traffic(
            len(self._accepted),
            counts["repeats"],
            counts["rejected"],
            counts["reads"],
            counts["failed"],
            percentile(recent, 50),
            percentile(recent, 99),
        )

    def _take(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._count(json.loads(line))

    def _count(self, row: dict[str, Any]) -> None:
        if row["entry"] == "read":
            self._counts["reads"] += 1
        elif row["entry"] == "attempt":
            status = row["status"]
            self._counts["failed"] += status == 0 or status >= 500
        elif row["entry"] == "message":
            if row["state"] == "accepted":
                self._counts["repeats"] += row["replayed"]
                self._accepted.add(row["transaction_id"])
                self._latest_ms.append((row["answered"] - row["intended"]) * 1000)
            elif row["state"] == "rejected":
                self._counts["rejected"] += 1


def began(journal: Path) -> float | None:
    """When the traffic begins (monotonic s), as a journal says first; None if it does not yet."""
    if not journal.exists():
        return None
    with journal.open(encoding="utf-8") as file:
        line = file.readline()
    return float(json.loads(line)["started"]) if line.endswith("\n") else None
