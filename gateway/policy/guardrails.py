"""One look at one guardrail: what a reading means. Pure; time comes in, and may jump.

Two times count: since the flip, readings are of the wave; since the last trip, people know. Both
are compared by distance, so that a clock that was set back makes neither last for ever: at most it
lasts once more.
"""

from __future__ import annotations

from datetime import datetime

from gateway.canonical.guardrail import Guardrail, Reading, Verdict


def judge(
    guardrail: Guardrail,
    reading: Reading,
    now: datetime,
    flipped_at: datetime,
    tripped_at: datetime | None,
) -> Verdict:
    """Say what a reading of ``guardrail`` means for the wave that is in force since ``flipped_at``.

    ``tripped_at`` is when this guardrail last paused this wave. Silence means something only after
    a whole window: right after a flip nothing can have happened yet.
    """
    if reading.value is None or reading.samples == 0:
        if not guardrail.trips_without_data or _within(now, flipped_at, guardrail.window_s):
            return Verdict.SILENT
    elif reading.samples < guardrail.samples_min:
        return Verdict.FEW
    elif reading.value <= guardrail.above:
        return Verdict.FINE
    if tripped_at is not None and _within(now, tripped_at, guardrail.cool_down_s):
        return Verdict.COOLING
    return Verdict.TRIPPED


def _within(now: datetime, then: datetime, seconds: float) -> bool:
    return abs((now - then).total_seconds()) < seconds
