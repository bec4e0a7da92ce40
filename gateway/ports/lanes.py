"""The buffer as a worker sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.exchange import (
    Awaiting,
    BufferEvent,
    Lease,
    Parked,
    Ready,
    Taken,
)
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Priority, Target


class Lanes(Protocol):
    """The buffer as a worker sees it. Every call but :meth:`book` needs the newest token."""

    async def lease(self, partition: int, holder: str, lease_ms: int) -> Lease | None:
        """Take a free or expired partition; objects its last holder had in flight come back."""
        ...

    async def renew(self, leases: Sequence[Lease], lease_ms: int) -> Sequence[Lease]:
        """Prolong leases; return those still held."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give a partition back at once."""
        ...

    async def workers(self, holder: str, ttl_ms: int) -> int:
        """Say that ``holder`` lives for ``ttl_ms`` (0: leaves); return how many workers do."""
        ...

    async def ready(self, leases: Sequence[Lease], erp: Target) -> Mapping[Lease, Ready]:
        """Count what each leased partition has to do for an ERP now."""
        ...

    async def take(self, lease: Lease, erp: Target, count: int) -> Sequence[Taken]:
        """Take up to ``count`` objects, the most urgent class first, the longest waiting first."""
        ...

    async def attempt(self, taken: Taken, shaped_by: str = "") -> bool:
        """Record, durably, that a send begins now; False if it is no longer ours to send.

        ``shaped_by`` names the crosswalk versions that shaped what is sent.
        """
        ...

    async def book(self, transaction_id: str, document: str, result: str) -> None:
        """Record that it is booked. A booking is a fact: no token is asked for."""
        ...

    async def give_up(self, transaction_id: str) -> None:
        """Record that staff gave it up: the ledger says so, and the buffer had forgotten."""
        ...

    async def stored(self, taken: Taken, document: str, poll_after_ms: int) -> bool:
        """Record that the ERP keeps the document; it is polled from now on."""
        ...

    async def defer(
        self, taken: Taken, delay_ms: int, *, unknown: bool, reason: str, outcome: bool = True
    ) -> bool:
        """Put the object back for later; ``unknown`` leaves the attempt open, to be probed.

        Without an ``outcome`` the take goes on counting towards the poison limit.
        """
        ...

    async def untake(self, taken: Taken) -> bool:
        """Put an object back that nobody has looked at, as if it had not been taken."""
        ...

    async def hold(
        self,
        taken: Taken | Awaiting,
        cause: Cause,
        detail: str,
        retry_ms: tuple[int, int] | None = None,
    ) -> bool:
        """Stop this object until staff act.

        Given when to try again first and at the latest, it waits instead: each time twice as long.
        """
        ...

    async def release_held(
        self, transaction_id: str, by: str, priority: Priority | None = None
    ) -> bool:
        """Let a message that is held or waits for a cause be tried again; False if it does not.

        Given a ``priority`` it is delivered in that class from now on.
        """
        ...

    async def wake(self, lease: Lease, count: int) -> int:
        """Let up to ``count`` messages be tried again whose wait for a cause is over."""
        ...

    async def awaiting(
        self, lease: Lease, erp: Target, count: int, again_ms: int
    ) -> Sequence[Awaiting]:
        """Return stored documents due for a poll, and put their next poll ``again_ms`` ahead."""
        ...

    async def parked(self, lease: Lease, since_ms: int, first: int, count: int) -> Sequence[Parked]:
        """Return a page of the objects parked under a hold route since ``since_ms``."""
        ...

    async def reroute(self, parked: Parked, epoch: int, target: Target | None) -> bool:
        """Send a parked object on, if the partition is still under ``epoch``."""
        ...


class Feed(Protocol):
    """The buffer's events, for the projector of a partition."""

    async def events(self, partition: int, after: str, count: int) -> Sequence[BufferEvent]:
        """Return events behind ``after`` ("0-0" for all), accepted ones with their envelope."""
        ...

    async def projected(self, partition: int, upto: str, settled: Sequence[str]) -> None:
        """Forget what the ledger now has: events up to ``upto``, bodies of settled messages."""
        ...
