"""Where is my transaction? The buffer knows what is under way, the ledger what is done.

The buffer is asked first: it forgets a transaction only after the ledger has it, so looking in
this order can miss nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.canonical.exchange import Progress, Record
from gateway.canonical.lifecycle import State
from gateway.clock import Clock
from gateway.ports import Intake, Ledger

#: What a channel is told: fewer states than there are, and none that shows how an ERP works.
PUBLIC_STATE: Final = {
    State.WAITING: "accepted",
    State.PARKED: "accepted",
    State.SENT: "delivering",
    State.STORED: "delivering",
    State.BOOKED: "booked",
    State.HELD: "held",
    State.DISCARDED: "discarded",
}

#: Public states in which nothing more happens by itself: who waits is answered.
SETTLED: Final = frozenset({"booked", "held", "discarded"})

_POLL_FIRST_S, _POLL_MAX_S = 0.02, 0.25


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A transaction as a channel may see it. ``cause`` is a canonical cause when held."""

    transaction_id: str
    process: str
    channel: str
    object_key: str
    reference: str
    legal_entity: str
    status: str
    accepted_at: datetime
    booked_at: datetime | None
    outcome: str
    cause: str


class Statuses:
    """Reads the state of transactions and objects."""

    def __init__(self, intake: Intake, ledger: Ledger, clock: Clock) -> None:
        self._intake = intake
        self._ledger = ledger
        self._clock = clock

    async def transaction(self, transaction_id: str) -> TransactionView | None:
        """Return one transaction, or None if it was never accepted."""
        progress = await self._intake.progress(transaction_id)
        if progress is not None:
            return _from_progress(progress)
        record = await self._ledger.transaction(transaction_id)
        return None if record is None else _from_record(record)

    async def of_object(self, object_key: str) -> Sequence[TransactionView]:
        """Return all transactions of a business object, in the order of acceptance."""
        under_way = [_from_progress(p) for p in await self._intake.progress_of(object_key)]
        done = [_from_record(r) for r in await self._ledger.transactions_of(object_key)]
        fresh = {view.transaction_id for view in under_way}
        views = [view for view in done if view.transaction_id not in fresh] + under_way
        return sorted(views, key=lambda view: (view.accepted_at, view.transaction_id))

    async def wait_until_booked(self, transaction_id: str, wait_s: float) -> TransactionView | None:
        """Wait for a booking (or a hold), at most ``wait_s``; return the last view."""
        until_s = self._clock.monotonic_s() + wait_s
        pause_s = _POLL_FIRST_S
        while True:
            view = await self.transaction(transaction_id)
            left_s = until_s - self._clock.monotonic_s()
            if view is None or view.status in SETTLED or left_s <= 0:
                return view
            await self._clock.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 1.5, _POLL_MAX_S)


def _from_progress(progress: Progress) -> TransactionView:
    envelope = progress.envelope
    state = State(progress.state)
    settled = datetime.fromtimestamp(progress.settled_ms / 1000, UTC)
    return TransactionView(
        transaction_id=envelope.transaction_id,
        process=envelope.process,
        channel=envelope.channel,
        object_key=envelope.object_key,
        reference=envelope.reference,
        legal_entity=envelope.facts.get("legal_entity", ""),
        status=PUBLIC_STATE[state],
        accepted_at=envelope.accepted_at,
        booked_at=settled if state is State.BOOKED else None,
        outcome=progress.result,
        cause=progress.cause,
    )


def _from_record(record: Record) -> TransactionView:
    return TransactionView(
        transaction_id=record.transaction_id,
        process=record.process,
        channel=record.channel,
        object_key=record.object_key,
        reference=record.reference,
        legal_entity=record.facts.get("legal_entity", ""),
        status=PUBLIC_STATE[State(record.state)],
        accepted_at=record.accepted_at,
        booked_at=record.settled_at if record.state == State.BOOKED else None,
        outcome=record.result,
        cause=record.cause,
    )
