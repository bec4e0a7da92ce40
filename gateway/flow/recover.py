"""Recover: a buffer that is older than the ledger is brought up to it before anything is sent.

The sentence the code follows: *whoever takes a partition compares its newest event with the
ledger's checkpoint; if the buffer is behind, every quota counts as used up, epoch and token are
raised above all that were used, what the ledger has settled is settled, everything else that waits
counts as unknown and is probed first, and what the buffer lost is put back.* Nothing is accepted
meanwhile (:mod:`.guard`). Each step may be repeated, so a worker that dies half way is followed by
one that begins again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Doubtful, Fate, Lease, Standing
from gateway.canonical.lifecycle import State
from gateway.canonical.process import ERPS
from gateway.errors import FencedOut, LedgerUnavailable
from gateway.ports import Lanes, Ledger, Memory, Observer, Quotas, Recovery

PAGE: Final = 200

_SETTLED: Final = frozenset({State.BOOKED, State.DISCARDED})


def behind(standing: Standing, checkpoint: str) -> bool:
    """Say whether a partition lacks what the ledger has, or is not recovered yet."""
    return bool(standing.recovering_from) or _position(standing.newest) < _position(checkpoint)


class Recoverer:
    """Looks after one worker's leases before it acts under them."""

    def __init__(
        self,
        recovery: Recovery,
        memory: Memory,
        ledger: Ledger,
        lanes: Lanes,
        observer: Observer,
        lease_ms: int,
        quotas: Quotas,
    ) -> None:
        self._recovery = recovery
        self._memory = memory
        self._ledger = ledger
        self._lanes = lanes
        self._observer = observer
        self._lease_ms = lease_ms
        self._quotas = quotas
        self._all_whole = False
        self._quotas_forgotten = False

    def forget(self) -> None:
        """Compare anew, whatever was found before: the store is another process."""
        self._all_whole = self._quotas_forgotten = False

    async def sound(self, lease: Lease) -> Lease:
        """Return the lease to act under, after a recovery if there has to be one.

        Raises :class:`~gateway.errors.FencedOut` if it was lost meanwhile, and
        :class:`~gateway.errors.LedgerUnavailable` if there is nothing to compare with.
        """
        try:
            checkpoints = await self._memory.checkpoints()
        except LedgerUnavailable:
            if self._all_whole:  # compared before, and the store is the same process since
                return lease
            raise
        standings = await self._recovery.standings()
        self._all_whole = not any(
            behind(it, checkpoints.get(number, "0-0")) for number, it in enumerate(standings)
        )
        if not self._all_whole:
            await self._forget_quotas()
        checkpoint = checkpoints.get(lease.partition, "0-0")
        if not behind(standings[lease.partition], checkpoint):
            return lease
        applied = await self._ledger.history(1)
        marker = Marker(applied[0].epoch, applied[0].version) if applied else Marker(0, "")
        await self._recovery.reopen(marker)
        lease, ended = await self._recovery.begin(lease, checkpoint, marker)
        self._observer.trouble("recovery", RecoveryBegan(lease.partition, ended, checkpoint))
        await self._doubt(lease)
        await self._put_back(lease, ended)
        await self._recovery.end(lease)
        return lease

    async def _forget_quotas(self) -> None:
        """Before a lease of any partition is acted under: the quotas are as old as the rest."""
        if not self._quotas_forgotten:
            for erp in ERPS:
                await self._quotas.forget(erp)
            self._quotas_forgotten = True

    async def _doubt(self, lease: Lease) -> None:
        page: list[Doubtful] = []
        async for it in self._recovery.waiting(lease.partition):
            page.append(it)
            if len(page) == PAGE:
                await self._doubt_page(lease, page)
                page = []
        await self._doubt_page(lease, page)

    async def _doubt_page(self, lease: Lease, page: Sequence[Doubtful]) -> None:
        await self._keep(lease)
        for it in page:
            ids = await self._recovery.messages_of(lease.partition, it.object_key)
            known = await self._memory.fates([*ids, it.transaction_id])
            owner = next((fate.owner for fate in known.values() if fate.owner), None)
            await self._recovery.doubt(lease, it, owner)
            for transaction_id, fate in known.items():
                await self._settle(transaction_id, fate)

    async def _settle(self, transaction_id: str, fate: Fate) -> None:
        """A booking is a fact; what was given up must not be sent."""
        if fate.state == State.BOOKED:
            await self._lanes.book(transaction_id, fate.document, fate.result)
        elif fate.state == State.DISCARDED:
            await self._lanes.give_up(transaction_id)

    async def _put_back(self, lease: Lease, ended: str) -> None:
        after = ended
        while page := await self._memory.accepted_behind(lease.partition, after, PAGE):
            await self._keep(lease)
            after = page[-1][0]
            for _, record in page:
                waits = record.state not in _SETTLED
                await self._recovery.restore(lease, record, waits=waits)

    async def _keep(self, lease: Lease) -> None:
        if not await self._lanes.renew([lease], self._lease_ms):
            raise FencedOut(f"partition {lease.partition}: lost while it was being recovered")


def _position(sequence: str) -> tuple[int, int]:
    ms, _, number = sequence.partition("-")
    return int(ms), int(number)


class RecoveryBegan(Exception):
    """Told to the observer: the buffer was found behind the ledger."""

    def __init__(self, partition: int, ended: str, checkpoint: str) -> None:
        super().__init__(
            f"partition {partition} of the store ends at {ended}, the ledger is at {checkpoint}: "
            "what waits is probed first, and what is missing is put back"
        )
