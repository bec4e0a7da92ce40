"""Every seam of the gateway on one page: what the story in ``flow/`` needs of the outside.

Each protocol is the smallest thing its user needs; only the composition roots know what stands
behind it. All calls raise :class:`~gateway.errors.StoreUnavailable` or
:class:`~gateway.errors.LedgerUnavailable` when their system does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.exchange import (
    AcceptAnswer,
    Accepted,
    Applied,
    Awaiting,
    BufferEvent,
    Clash,
    Entry,
    Grant,
    Lease,
    Parked,
    Progress,
    Publication,
    QuotaUse,
    Ready,
    Record,
    Replay,
    Taken,
    Timing,
)
from gateway.canonical.outcome import Cause, Outcome, Probed
from gateway.canonical.process import Target

# --------------------------------------------------------------------------- accept


class Intake(Protocol):
    """The buffer as the API sees it."""

    async def reserve(
        self, key: str, transaction_id: str, digest: bytes
    ) -> Accepted | Replay | Clash:
        """Bind an idempotency key to a transaction id and a body, or say what it is bound to."""
        ...

    async def accept(self, entry: Entry) -> AcceptAnswer:
        """Claim, own and enqueue in one step; durable when it returns."""
        ...

    async def progress(self, transaction_id: str) -> Progress | None:
        """Return a transaction the buffer still holds."""
        ...

    async def progress_of(self, object_key: str) -> Sequence[Progress]:
        """Return the object's transactions that are not yet (only) in the ledger, in order."""
        ...

    async def claimed(self, object_key: str, claim: str) -> str | None:
        """Return the transaction id a claim was taken under."""
        ...

    async def owner(self, object_key: str) -> Target | None:
        """Return the owner the buffer knows."""
        ...


# --------------------------------------------------------------------------- deliver


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

    async def attempt(self, taken: Taken) -> bool:
        """Record, durably, that a send begins now; False if it is no longer ours to send."""
        ...

    async def book(self, transaction_id: str, document: str, result: str) -> None:
        """Record that it is booked. A booking is a fact: no token is asked for."""
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

    async def hold(self, taken: Taken | Awaiting, cause: Cause, detail: str) -> bool:
        """Stop this object until staff act."""
        ...

    async def release_held(self, transaction_id: str, by: str) -> bool:
        """Let a held message be tried again; False if it is not held."""
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


class Observer(Protocol):
    """Told of what happens, for logs and metrics; never fails and never waits."""

    def attempt(
        self,
        *,
        call: str,
        erp: str,
        process: str,
        transaction_id: str,
        attempt: int,
        outcome: str,
        detail: str,
        duration_s: float,
    ) -> None:
        """One call to an ERP ended: one wide event."""
        ...

    def trouble(self, where: str, error: BaseException) -> None:
        """Something failed that nobody was waiting for."""
        ...


# --- quotas


class Quotas(Protocol):
    """One ledger of calls per ERP, shared by every process that calls it."""

    async def acquire(self, erp: Target, want: int) -> Grant:
        """Lease up to ``want`` permits."""
        ...

    async def used(self, erp: Target, permits: Sequence[str]) -> None:
        """Say that these calls ended now; they count in the window from now."""
        ...

    async def unused(self, erp: Target, permits: Sequence[str]) -> None:
        """Give permits back that no call was made with."""
        ...

    async def close(self, erp: Target, for_ms: int) -> None:
        """Let nobody call before ``for_ms`` have passed."""
        ...

    async def usage(self, erp: Target) -> QuotaUse:
        """Read the ledger."""
        ...


# --------------------------------------------------------------------------- rules


class RuleBook(Protocol):
    """Rule texts by version, the marker of each partition, and who has seen which epoch."""

    async def publication(self) -> Publication:
        """Return what is in force and what is being applied."""
        ...

    async def text(self, version: str) -> str | None:
        """Return a stored rule text."""
        ...

    async def keep(self, version: str, text: str) -> None:
        """Store an immutable rule text."""
        ...

    async def begin(
        self, newest_epoch: int, version: str, kind: str, by: str, *, take_over: bool = False
    ) -> Marker | None:
        """Open a flip if ``newest_epoch`` still is the newest; None if somebody else was first.

        An open flip is in the way unless it is to be taken over.
        """
        ...

    async def partition(self, number: int) -> Marker:
        """Read one partition's marker."""
        ...

    async def raise_partition(self, partition: int, marker: Marker) -> Marker:
        """Raise one partition's epoch; return what it is under then (epochs only rise)."""
        ...

    async def partitions(self) -> Sequence[Marker]:
        """Read back every partition's marker."""
        ...

    async def finish(self, marker: Marker) -> bool:
        """Close the flip: ``marker`` is in force everywhere. False if another took over."""
        ...

    async def report(self, gateway: str, epoch: int, ttl_ms: int) -> None:
        """Say that a gateway process decides under ``epoch`` from now on."""
        ...

    async def gateways(self) -> Mapping[str, int]:
        """Return the epoch every live gateway reported last."""
        ...


# --------------------------------------------------------------------------- ledger


class Feed(Protocol):
    """The buffer's events, for the projector of a partition."""

    async def events(self, partition: int, after: str, count: int) -> Sequence[BufferEvent]:
        """Return events behind ``after`` ("0-0" for all), accepted ones with their envelope."""
        ...

    async def projected(self, partition: int, upto: str, settled: Sequence[str]) -> None:
        """Forget what the ledger now has: events up to ``upto``, bodies of settled messages."""
        ...


class Ledger(Protocol):
    """The SQL record: what happened, for good."""

    async def checkpoint(self, partition: int) -> str:
        """Return the sequence up to which a partition is projected ("0-0" at first)."""
        ...

    async def project(self, partition: int, events: Sequence[BufferEvent]) -> None:
        """Record events and the checkpoint in one SQL transaction; repeats change nothing."""
        ...

    async def transaction(self, transaction_id: str) -> Record | None:
        """Return one transaction."""
        ...

    async def transactions_of(self, object_key: str) -> Sequence[Record]:
        """Return the transactions of a business object, in the order of acceptance."""
        ...

    async def owner(self, object_key: str) -> Target | None:
        """Return the recorded owner of a business object."""
        ...

    async def keep_rules(self, version: str, text: str) -> None:
        """Store an immutable rule text."""
        ...

    async def rules(self, version: str) -> str | None:
        """Return a stored rule text."""
        ...

    async def record_applied(self, applied: Applied) -> None:
        """Add a line to the history of flips; the same epoch twice changes nothing."""
        ...

    async def history(self, count: int) -> Sequence[Applied]:
        """Return the newest lines of the history, the newest first."""
        ...

    async def ping(self) -> None:
        """Raise if the ledger cannot be reached."""
        ...


# --------------------------------------------------------------------------- ERPs


class Erp(Protocol):
    """One ERP. Every call costs one permit of its quota.

    No call raises for what an ERP answers: answers are outcomes. Enquiries return None for a SKU
    the ERP does not have and raise :class:`~gateway.errors.ErpUnavailable` when it is silent.
    """

    name: Target
    timing: Timing

    async def send(self, envelope: Envelope) -> Outcome:
        """Send the message's document, once."""
        ...

    async def probe(self, envelope: Envelope) -> Probed:
        """Look for a document with the message's external reference."""
        ...

    async def confirm(self, documents: Sequence[str]) -> Mapping[str, Outcome]:
        """Ask how stored documents fare, many in one call."""
        ...

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        """Say whether an order of that channel reference exists here."""
        ...

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        """Return what may be promised."""
        ...

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        """Return the sales price."""
        ...

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        """Return the item."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
