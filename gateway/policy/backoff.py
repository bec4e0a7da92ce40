"""How long to wait before the next try: pure functions of what happened and a chance.

Jitter: the wait is drawn evenly from a part of its step to the whole, so that a thousand objects
refused in one instant do not come back in one instant.
"""

from __future__ import annotations

from random import Random
from typing import Final

from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import Cause

RETRY_FIRST_MS: Final = 200
RETRY_MAX_MS: Final = 30_000
PROBE_FIRST_MS: Final = 250
PROBE_MAX_MS: Final = 10_000
FOLLOW_FIRST_MS: Final = 100
FOLLOW_MAX_MS: Final = 10_000
SEEK_FIRST_MS: Final = 1_000
SEEK_MAX_MS: Final = 60_000


def retry_ms(attempts: int, chance: Random) -> int:
    """Return the wait before attempt ``attempts`` + 1, at least a quarter of its step."""
    step = min(RETRY_MAX_MS, RETRY_FIRST_MS * (1 << min(attempts, 10)))
    return round(step * (0.25 + 0.75 * chance.random()))


def probe_ms(open_ms: int, absent_final_ms: int, chance: Random) -> int:
    """Return the wait before the next probe of an attempt that has been open for ``open_ms``.

    Half of the time it is open already, so early probes come quickly and late ones cost little;
    never later than the moment absence becomes final. Beyond it, whoever still cannot be asked is
    asked rarely.
    """
    step = min(PROBE_MAX_MS, max(PROBE_FIRST_MS, open_ms // 2))
    wait = round(step * (0.5 + 0.5 * chance.random()))
    left = absent_final_ms - open_ms
    return max(1, min(wait, left)) if left > 0 else wait


def follow_ms(waited_ms: int) -> int:
    """Return the wait before the next look at a predecessor, of what has waited for it so long.

    An eighth of that time: the look costs little beside the wait, and so does what it finds late.
    """
    return min(FOLLOW_MAX_MS, max(FOLLOW_FIRST_MS, waited_ms // 8))


def seek_ms(waited_ms: int) -> int:
    """Return the wait before the next look for an owner: an eighth of what it has waited."""
    return min(SEEK_MAX_MS, max(SEEK_FIRST_MS, waited_ms // 8))


def wait_ms(timing: Timing, cause: Cause, chance: Random) -> tuple[int, int] | None:
    """Return when to try again what waits for a cause, first and at the latest; None: never.

    Spread over a fifth, because one missing item makes many documents wait at once.
    """
    if not cause.waits:
        return None
    spread = 0.9 + 0.2 * chance.random()
    return max(1, round(timing.wait_first_ms * spread)), round(timing.wait_max_ms * spread)
