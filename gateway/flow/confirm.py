"""Confirm: documents an ERP has stored are polled until they are posted or have failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.canonical.exchange import Awaiting, Lease, Permit
from gateway.canonical.outcome import Booked, Refused
from gateway.canonical.process import Target
from gateway.flow.workplace import Workplace
from gateway.policy.backoff import wait_ms

#: Documents asked for in one call.
DOCUMENTS_MAX: Final = 100


class Confirmer:
    """Polls stored documents, many in one call, over all partitions of this worker."""

    def __init__(self, at: Workplace) -> None:
        self._lanes = at.lanes
        self._erps = at.erps
        self._chance = at.chance

    async def confirm(self, leases: Sequence[Lease], erp: Target, permit: Permit) -> None:
        """Ask once for what is due; the permit is good for one call."""
        due = await self._due(leases, erp)
        if not due:
            return
        with permit.in_use():
            outcomes = await self._erps[erp].confirm([waiting.document for waiting in due])
        for waiting in due:
            match outcomes.get(waiting.document):
                case Booked(document, result):
                    await self._lanes.book(waiting.transaction_id, document, result)
                case Refused(cause, detail):
                    retry_ms = wait_ms(self._erps[erp].timing, cause, self._chance)
                    await self._lanes.hold(waiting, cause, detail, retry_ms)
                case _:
                    continue  # still stored, or nobody could say: it is polled again

    async def _due(self, leases: Sequence[Lease], erp: Target) -> list[Awaiting]:
        again_ms = self._erps[erp].timing.poll_ms
        due: list[Awaiting] = []
        for lease in leases:
            room = DOCUMENTS_MAX - len(due)
            if room <= 0:
                break
            due.extend(await self._lanes.awaiting(lease, erp, room, again_ms))
        return due
