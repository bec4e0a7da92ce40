"""What an accept asks of the buffer, and what it may be answered."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.process import Target


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What one accept asks of the buffer.

    ``payload`` is the envelope as JSON. ``digest`` is 16 bytes over the canonical received body
    (RFC 8785). ``target`` None means the owner decides; ``owner_found`` is an owner that was
    looked up elsewhere, to be pinned unless the buffer knows one. ``epoch`` is the one the target
    was decided under. ``undecided`` takes a follow-up though nobody can say now who owns its
    object: it waits until that is found.
    """

    transaction_id: str
    object_key: str
    claim: str
    digest: bytes
    epoch: int
    target: Target | None
    priority: int
    channel: str
    payload: bytes
    follow_up: bool = False
    pipelined: bool = False
    owner_found: Target | None = None
    undecided: bool = False


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """Taken, durably, at ``accepted_ms`` (server's clock, ms since 1970)."""

    transaction_id: str
    accepted_ms: int


class Replay(msgspec.Struct, frozen=True, gc=False):
    """The same claim with the same body was taken before, under this transaction id."""

    transaction_id: str
    accepted_ms: int


class Clash(msgspec.Struct, frozen=True, gc=False):
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
