"""What crosses the seams: the values that story, store, ledger and ERPs exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.process import Target


@dataclass(frozen=True, slots=True)
class Entry:
    """What one accept asks of the buffer.

    ``payload`` is the envelope as JSON. ``digest`` is 16 bytes over the canonical received body
    (RFC 8785). ``target`` None means the owner decides; ``owner_found`` is an owner that was
    looked up elsewhere, to be pinned unless the buffer knows one. ``epoch`` is the one the target
    was decided under.
    """

    transaction_id: str
    object_key: str
    claim: str
    digest: bytes
    epoch: int
    target: Target | None
    priority: int
    payload: bytes
    follow_up: bool = False
    pipelined: bool = False
    owner_found: Target | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken, durably, at ``accepted_ms`` (server's clock, ms since 1970)."""

    transaction_id: str
    accepted_ms: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The same claim with the same body was taken before, under this transaction id."""

    transaction_id: str
    accepted_ms: int


@dataclass(frozen=True, slots=True)
class Clash:
    """The same claim was taken before with another body, under this transaction id."""

    transaction_id: str


@dataclass(frozen=True, slots=True)
class Stale:
    """The partition is under another marker: decide again with that version."""

    marker: Marker


@dataclass(frozen=True, slots=True)
class Ownerless:
    """A follow-up on an object the buffer knows no owner of: find the owner, then repeat."""


AcceptAnswer = Accepted | Replay | Clash | Stale | Ownerless


@dataclass(frozen=True, slots=True)
class Progress:
    """What the buffer knows of a transaction that is not yet (only) in the ledger."""

    envelope: Envelope
    state: str
    owner: Target | None
    document: str
    result: str
    cause: str
    settled_ms: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to serve a partition. ``token`` fences; only the newest one may write."""

    partition: int
    token: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The head of a business object, taken for delivery.

    ``takes`` counts this take. ``open_ms`` is how long ago (server's clock) an attempt began
    whose outcome nobody knows, or None if nothing unknown was ever sent. ``released`` is 1 once
    staff let it go after a refusal (the same refusal, seen again by a probe, does not count), and
    2 once it was sent again since (then an old refusal says nothing of the new attempt).
    """

    lease: Lease
    transaction_id: str
    object_key: str
    owner: Target
    takes: int
    attempts: int
    open_ms: int | None
    payload: bytes
    released: int = 0


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A message its ERP keeps but had not posted when last asked."""

    lease: Lease
    transaction_id: str
    object_key: str
    document: str


@dataclass(frozen=True, slots=True)
class Parked:
    """The head of an object that waits, since ``since_ms``, for a flip to say where it goes."""

    lease: Lease
    transaction_id: str
    object_key: str
    owner: Target | None
    payload: bytes
    since_ms: int


@dataclass(frozen=True, slots=True)
class Ready:
    """What a partition has to do for an ERP now: objects to take, documents to poll."""

    objects: int
    polls: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What an ERP allows: ``calls_max`` per ``window_ms``, ``concurrent_max`` at once.

    After ``call_ms_max`` a permit nobody gave back counts as used.
    """

    concurrent_max: int
    calls_max: int
    window_ms: int
    call_ms_max: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Permits for one call each; with none, ``wait_ms`` is when asking again is worth it."""

    permits: tuple[str, ...]
    wait_ms: int


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A reading: calls in flight, calls counted in the window, ms the key stays closed."""

    in_flight: int
    in_window: int
    closed_ms: int


@dataclass(frozen=True, slots=True)
class Publication:
    """The state of the rule book: what is in force, and the flip that is under way, if any.

    ``kind`` (``apply`` or ``rollback``) and ``by`` are of the newest flip, open or closed.
    """

    marker: Marker
    pending: Marker | None
    by: str
    kind: str


@dataclass(frozen=True, slots=True)
class BufferEvent:
    """One event of a partition. ``sequence`` is the stream id; ids of a partition only rise."""

    sequence: str
    kind: str
    transaction_id: str
    at_ms: int
    fields: Mapping[str, str]
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A transaction as the ledger keeps it."""

    transaction_id: str
    partition: int
    process: str
    channel: str
    object_key: str
    reference: str
    owner: str
    state: str
    document: str
    result: str
    cause: str
    detail: str
    accepted_at: datetime
    settled_at: datetime | None
    rule_id: str
    rule_version: str
    attempts: int
    facts: Mapping[str, str]
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Applied:
    """One line of the history of flips; ``kind`` is ``apply`` or ``rollback``."""

    epoch: int
    version: str
    kind: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """When silence means something, per dialect.

    ``absent_final_ms`` is how long after an attempt began a look-up that finds nothing is final:
    the request's deadline + the ERP's queue + its execution + the lag of its look-ups. Until then
    an earlier request can still arrive.
    """

    request_ms: int
    absent_final_ms: int
    poll_ms: int
