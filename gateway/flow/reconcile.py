"""Reconcile: what slipped past the probes is found by counting, and told; nothing is undone.

The sentence the code follows: *whatever was sent more than once and is booked is looked at again,
later and later, and so is what was sent and then given up; more documents under its external
reference than there should be become an exception that names them all.*

Probing before a resend closes the time in which an earlier request can still arrive. A request
that arrives even later, a worker that woke up after it, a proxy that repeats: each leaves two
documents with the same reference, which is what is looked for here. What staff gave up because its
attempt was absent for good should have none: nothing is sent again, so no probe would see it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.canonical.exchange import Lease, Record, SecondLook
from gateway.canonical.lifecycle import State
from gateway.canonical.outcome import Busy, Unknown
from gateway.canonical.process import Target
from gateway.canonical.staff import Action, Role, Staff
from gateway.clock import Clock
from gateway.errors import ErpUnavailable, NotFound
from gateway.flow.audit import Auditor
from gateway.flow.calls import Caller
from gateway.policy.second_look import first_ms, next_at
from gateway.ports import Erp, Observer, SecondLooks

PAGE: Final = 200

#: Who stands in the audit log for what the gateway found by itself.
GATEWAY: Final = Staff("coexist", frozenset({Role.OPERATOR}), "worker")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found. ``documents`` is None if the ERP could not be asked."""

    record: Record
    documents: Sequence[str] | None
    detail: str = ""

    @property
    def double(self) -> bool:
        """Whether it is booked more than once, or at all though it was given up."""
        wanted = 0 if self.record.state == State.DISCARDED else 1
        return self.documents is not None and len(self.documents) > wanted


class Reconciler:
    """Looks for doubles: a few at a time in the background, or all of them for a command."""

    def __init__(
        self,
        ledger: SecondLooks,
        erps: Mapping[Target, Erp],
        caller: Caller,
        auditor: Auditor,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._erps = erps
        self._caller = caller
        self._auditor = auditor
        self._observer = observer
        self._clock = clock

    async def look(self, lease: Lease) -> None:
        """Look at one due transaction of each ERP in a partition, if a call is to be had now."""
        for erp in self._erps:
            for due in await self._due(erp, lease.partition):
                await self._look(due)

    async def sweep(self) -> AsyncIterator[Looked]:
        """Look at all that was sent more than once or given up, and yield what was found."""
        for erp in self._erps:
            after = ""
            while page := await self._ledger.second_looks(
                erp, None, self._clock.now(), PAGE, after
            ):
                for each in page:
                    yield await self._look(each)
                after = page[-1].record.transaction_id

    async def settle(self, staff: Staff, transaction_id: str, reason: str) -> None:
        """End the exception of a double that staff have put right in the ERP.

        Raises :class:`~gateway.errors.NotFound` if the transaction is no such exception.
        """
        unknown = NotFound(
            f"{transaction_id} is not known to be booked twice; "
            "`coexist exceptions list` shows what is"
        )
        if not await self._ledger.is_double(transaction_id):
            raise unknown
        await self._auditor.record(staff, Action.DOUBLE_SETTLE, transaction_id, reason)
        if not await self._ledger.settle_double(transaction_id):  # somebody else did meanwhile
            raise unknown

    async def _due(self, erp: Target, partition: int) -> Sequence[SecondLook]:
        first = timedelta(milliseconds=first_ms(self._erps[erp].timing.absent_final_ms))
        return await self._ledger.second_looks(erp, partition, self._clock.now() - first, 1)

    async def _look(self, due: SecondLook) -> Looked:
        record = due.record
        erp = self._erps[Target(record.owner)]
        envelope = record.envelope
        try:
            found = await self._caller.call(
                erp.name, lambda: erp.documents(envelope), lasts_ms=erp.timing.request_ms,
                process=envelope.process,
            )  # fmt: skip
        except ErpUnavailable as error:
            return Looked(record, None, error.detail)
        if isinstance(found, Busy | Unknown):
            return Looked(record, None, found.detail)
        looked = Looked(record, found)
        if looked.double:
            await self._tell(record, found)
        next_look = next_at(due.looks + 1, erp.timing.absent_final_ms, self._clock.now())
        await self._ledger.looked(record.transaction_id, next_look)
        return looked

    async def _tell(self, record: Record, documents: Sequence[str]) -> None:
        if not await self._ledger.raise_double(record.transaction_id, documents):
            return
        self._observer.booked_twice(record.owner, record.transaction_id, documents)
        await self._auditor.record(
            GATEWAY, Action.DOUBLE_RAISE, record.transaction_id, "found by reconciliation",
            erp=record.owner, documents=list(documents),
        )  # fmt: skip
