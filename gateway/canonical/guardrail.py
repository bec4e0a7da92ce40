"""Guardrails: what is watched after a flip, what was read, and what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Signal(StrEnum):
    """What can be watched. Each is a line in :data:`SIGNALS`."""

    ERP_ERROR_RATE = "erp_error_rate"
    HELD_OBJECTS = "held_objects"
    INGESTION_LAG_S = "ingestion_lag_s"
    SHADOW_MISMATCH_RATE = "shadow_mismatch_rate"
    REFUND_FAILURES = "refund_failures"


SIGNALS: Final[dict[Signal, str]] = {
    Signal.ERP_ERROR_RATE: "percent of the answers of ERPs to the wave's messages and reads that "
    "were refusals, or none at all",
    Signal.HELD_OBJECTS: "business objects of the wave that are held now; a sample is an accepted "
    "message",
    Signal.INGESTION_LAG_S: "age in seconds of the wave's oldest message that no ERP has yet; a "
    "sample is an accepted message",
    Signal.SHADOW_MISMATCH_RATE: "percent of the wave's shadow comparisons that differ",
    Signal.REFUND_FAILURES: "return credits for orders of the wave that are held; a sample is a "
    "return credit",
}
"""What each signal counts, and in what unit."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One line of a wave: trip when ``signal`` is ``above`` this, read over ``window_s``.

    Fewer than ``samples_min`` samples say nothing. ``trips_without_data`` is what silence means
    once a whole window has passed since the flip. For ``cool_down_s`` after a trip it does not
    trip again: whoever then brings the wave back has seen why.
    """

    signal: Signal
    above: float
    window_s: int
    samples_min: int
    trips_without_data: bool = False
    cool_down_s: int = 1800


@dataclass(frozen=True, slots=True)
class Reading:
    """What a signal was read as: None if nothing was there to read."""

    value: float | None
    samples: int


class Verdict(StrEnum):
    """What came of one look at one guardrail."""

    FINE = "fine"  #: enough samples, not above the limit
    FEW = "few"  #: too few samples to say anything
    SILENT = "silent"  #: no data, and that is allowed, or too soon after the flip to mean anything
    COOLING = "cooling"  #: it would trip, and did so a moment ago
    TRIPPED = "tripped"  #: the wave is paused


@dataclass(frozen=True, slots=True)
class Finding:
    """One decision with the numbers it saw, as the ledger keeps it."""

    at: datetime
    wave: str
    signal: str
    verdict: str
    value: float | None
    samples: int
    above: float
    window_s: int
    epoch: int
    version: str
    by: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something people are told of by webhook. ``notice_id`` stays the same through retries."""

    notice_id: str
    webhook: str
    kind: str
    at: datetime
    body: str
    attempts: int = 0
    next_at: datetime | None = None
    sent_at: datetime | None = None
    failure: str = ""
