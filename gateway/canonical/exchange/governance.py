"""What people decide about a change of rules: proposed, ruled on, scheduled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


class Ruling(StrEnum):
    """What somebody else said about a proposal."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule version somebody wants in force, with the evidence of its dry run.

    ``digest`` binds both: see :func:`digest_of`. ``base_epoch`` and ``base_version`` say what was
    in force when it was proposed, which is what the evidence was compared with. ``ruling`` is ""
    until somebody else ruled; a ruling is final, and another proposal may follow.
    """

    proposal_id: str
    version: str
    digest: str
    evidence_hash: str
    base_epoch: int
    base_version: str
    by: str
    note: str
    at: datetime
    ruling: str = ""
    ruled_by: str = ""
    reason: str = ""
    ruled_at: datetime | None = None


class Stage(StrEnum):
    """How far a scheduled flip has come."""

    SCHEDULED = "scheduled"  #: waits for its time
    RUNNING = "running"  #: somebody is bringing it into force, or died doing so
    DONE = "done"  #: in force, under ``epoch``
    SUSPENDED = "suspended"  #: its time came and it was not allowed, for ``reason``
    CANCELLED = "cancelled"  #: taken back before its time


#: Stages that nothing follows by itself.
ENDED = frozenset({Stage.DONE, Stage.SUSPENDED, Stage.CANCELLED})


@dataclass(frozen=True, slots=True)
class Schedule:
    """A flip with a time. ``waived`` are the gates somebody let pass, with the reason."""

    schedule_id: str
    version: str
    at: datetime
    base_epoch: int
    by: str
    note: str
    backlog: str
    waived: Mapping[str, str] = field(default_factory=dict)
    stage: Stage = Stage.SCHEDULED
    reason: str = ""
    epoch: int = 0
    changed_at: datetime | None = None


def digest_of(text: str, evidence_hash: str) -> str:
    """Return what an approval is bound to: SHA-256 (hex) of the rule text and of its evidence.

    ``text`` is the canonical text of the rules, ``evidence_hash`` the SHA-256 (hex) of the file
    the dry run wrote, "" without one. Whoever edits either has another digest.
    """
    return sha256(f"{sha256(text.encode()).hexdigest()}:{evidence_hash}".encode()).hexdigest()
