"""What a run came to, counted as it goes: the short report at the end of ``run``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.sender import Conclusion

#: Different errors the report quotes.
ERRORS_SHOWN = 8


@dataclass(slots=True)
class _Row:
    latencies_ms: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The report. ``rows`` by process; ``faults`` are mistakes of the driver itself."""

    seed: int
    scenario: str
    rate_per_s: float
    rows: dict[str, dict[str, Any]]
    replayed: int
    errors: dict[str, int]
    faults: list[str]

    @property
    def exit_code(self) -> int:
        """0 if every request was concluded as wished; 1 otherwise; 3 if the driver is at fault."""
        if self.faults:
            return 3
        total = self.rows["total"]
        return 1 if total["rejected"] or total["unknown"] else 0

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "rate_per_s": self.rate_per_s,
            **self.rows["total"],
            "replayed": self.replayed,
            "by_process": {name: row for name, row in self.rows.items() if name != "total"},
            "errors": self.errors,
            "faults": self.faults,
        }

    def show(self, console: Console) -> None:
        """Print the table, then what went wrong."""
        table = Table(title=f"{self.scenario}: seed {self.seed}, {self.rate_per_s:g} requests/s")
        table.add_column("process")
        columns = ("requests", "attempts", "rejected", "unknown", "p50_ms", "p99_ms")
        for column in columns:
            table.add_column(column, justify="right")
        for name, row in self.rows.items():
            table.add_row(name, *(str(row[column]) for column in columns))
        console.print(table)
        console.print(f"answered as repeats of an earlier request: {self.replayed}")
        for error, times in self.errors.items():
            console.print(f"{times} x {error}", markup=False, soft_wrap=True)
        for fault in self.faults:
            console.print(f"driver at fault: {fault}", markup=False, soft_wrap=True)


class Tally:
    """Counts conclusions. Latencies count from when a request was due, in ms."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._replayed = 0
        self._errors: Counter[str] = Counter()

    def add(self, conclusion: Conclusion) -> None:
        """Count one concluded request."""
        row = self._rows.setdefault(conclusion.request.process, _Row())
        row.states[conclusion.state] += 1
        row.attempts += conclusion.attempts
        if conclusion.latency_ms is not None:
            row.latencies_ms.append(conclusion.latency_ms)
        self._replayed += any(outcome.replayed for outcome in conclusion.outcomes)
        if conclusion.state in ("rejected", "unknown"):
            self._errors[f"{conclusion.request.process}: {conclusion.error}"] += 1

    def summary(self, seed: int, scenario: str, rate_per_s: float, faults: list[str]) -> Summary:
        """The report of all that was counted."""
        every = _Row()
        for row in self._rows.values():
            every.latencies_ms += row.latencies_ms
            every.states += row.states
            every.attempts += row.attempts
        rows = {name: _figures(self._rows[name]) for name in sorted(self._rows)}
        errors = dict(self._errors.most_common(ERRORS_SHOWN))
        rows["total"] = _figures(every)
        return Summary(seed, scenario, rate_per_s, rows, self._replayed, errors, faults)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; 0.0 of nothing."""
    if not values:
        return 0.0
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def _figures(row: _Row) -> dict[str, Any]:
    return {
        "requests": row.states.total(),
        "attempts": row.attempts,
        "rejected": row.states["rejected"],
        "unknown": row.states["unknown"],
        "p50_ms": round(percentile(row.latencies_ms, 50), 1),
        "p99_ms": round(percentile(row.latencies_ms, 99), 1),
        "max_ms": round(max(row.latencies_ms, default=0.0), 1),
    }
