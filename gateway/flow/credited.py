"""What was credited of an order before a message that is about to leave.

Messages of one object leave one at a time, so what is booked of it now was booked before; what was
accepted behind the message is not. As everywhere, the buffer is asked before the ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Progress, Record
from gateway.canonical.lifecycle import State
from gateway.canonical.order import Return
from gateway.canonical.outcome import Delayed
from gateway.canonical.unmapped import UNMAPPED
from gateway.chain.credit import Credited
from gateway.errors import CoexistError
from gateway.ports import Intake, Ledger

_LAST = datetime.max.replace(tzinfo=UTC)


class _Known(NamedTuple):
    message: Envelope
    booked_at: datetime | None


class CreditHistory:
    """Reads the order of a credit, and what was given back of it."""

    def __init__(self, intake: Intake, ledger: Ledger) -> None:
        self._intake = intake
        self._ledger = ledger

    async def of(self, credit: Envelope) -> Credited | Delayed:
        """Return what is known, or a delay while it cannot be read."""
        key = credit.object_key
        try:
            progress = await self._intake.progress_of(key)
            known = {it.envelope.transaction_id: _under_way(it) for it in progress}
            for record in await self._ledger.transactions_of(key):
                known.setdefault(record.transaction_id, _recorded(record))
        except CoexistError as error:
            return Delayed(f"what was credited of its order cannot be read now: {error.detail}")
        known.pop(credit.transaction_id, None)
        readable = [it for it in known.values() if UNMAPPED not in it.message.body]
        orders = [it.message for it in readable if it.message.process == "order.intake"]
        booked = sorted(
            (it for it in readable if it.booked_at and it.message.process == credit.process),
            key=lambda it: it.booked_at or _LAST,
        )
        before = tuple(Return.model_validate(it.message.body) for it in booked)
        return Credited(orders[0] if orders else None, before)


def _under_way(it: Progress) -> _Known:
    booked = it.state == State.BOOKED
    at = datetime.fromtimestamp(it.settled_ms / 1000, UTC)
    return _Known(it.envelope, at if booked else None)


def _recorded(it: Record) -> _Known:
    booked = it.state == State.BOOKED
    return _Known(it.envelope, (it.settled_at or _LAST) if booked else None)
