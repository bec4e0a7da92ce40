"""What happened, as flat figures: every fault that occurred is counted where it occurred."""

from __future__ import annotations

from collections.abc import Iterable

NAMES = (
    "requests",  # business requests, whatever became of them; control calls are not counted
    "token_requests",  # cloud: requests to the token endpoint, whatever became of them
    "unauthorized_401",  # wrong password or client, missing, unknown or stale token
    "throttled_429",  # cloud: window used up, queue full, or the throttle fault
    "throttled_503",  # legacy: no session free, or the throttle fault; cloud: waited too long
    "throttle_faults",  # those of the two above that the fault made
    "queued",  # cloud: requests that had to wait for one of the concurrent places
    "outage_refusals",  # connections aborted or answered 503 by the outage fault
    "maintenance_refusals",  # requests refused because the maintenance fault had begun
    "maintenance_cuts",  # requests that were being served when it began: no answer
    "latency_faults",  # requests the latency fault slowed
    "stored",  # legacy: IDocs stored
    "failed_postings",  # legacy: IDocs that went to status 51
    "validated",  # cloud: documents the validate action let pass
    "batches",  # cloud: batch requests
    "batch_operations_max",  # cloud: most operations in one of them
    "booked",  # documents in the books
    "customers_created",  # customers in the master, doubles among them
    "booked_unheard",  # booked when the caller's connection was already gone, without any fault
    "lost_replies_after_booking",  # booked (legacy: stored), connection aborted without an answer
    "late_bookings",  # booked (legacy: stored) after the connection was dropped
    "late_refusals",  # would have been late bookings, but a business rule refused by then
    "lagged_documents",  # documents the lagging_lookup fault hid for a while
    "lagged_lookups",  # look-ups that missed a document because it was hidden
    "resets",  # answers broken off in the middle by a reset connection
    "slow_drips",  # answers that trickled
    "malformed_answers",  # answers with a body that cannot be read
    "token_expiries",  # cloud: tokens made stale before their time
    "slowest_effect_ms",  # longest time from a write's arrival to its booking (legacy: storing)
    "pending_late_bookings",  # now: dropped requests that are still to be booked
    "pending_postings",  # legacy, now: IDocs stored and not yet posted
    "max_concurrent",  # most requests in service at once
    "window_peak",  # cloud: most requests seen in one sliding window
)


class Counters:
    """Integers by name; an unknown name is a mistake in the caller and raises `KeyError`."""

    def __init__(self, names: Iterable[str] = NAMES) -> None:
        self._values = dict.fromkeys(names, 0)

    def add(self, name: str, amount: int = 1) -> None:
        """Count `amount` more (or, for what is pending now, fewer)."""
        self._values[name] += amount

    def raise_to(self, name: str, value: int) -> None:
        """Keep the greatest value seen."""
        self._values[name] = max(self._values[name], value)

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def as_json(self) -> dict[str, int]:
        """All counters, also those at zero."""
        return dict(self._values)
