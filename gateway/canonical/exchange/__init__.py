"""What crosses the seams: the values that story, store, ledger and ERPs exchange."""

from gateway.canonical.exchange.accepting import (
    AcceptAnswer,
    Accepted,
    Clash,
    Entry,
    Ownerless,
    Progress,
    Replay,
    Stale,
)
from gateway.canonical.exchange.delivering import (
    Awaiting,
    Lease,
    Movable,
    Parked,
    Ready,
    Taken,
    Timing,
)
from gateway.canonical.exchange.evidence import DryRun, KeptBlock
from gateway.canonical.exchange.quotas import Grant, Limits, QuotaUse
from gateway.canonical.exchange.recording import BufferEvent, Record
from gateway.canonical.exchange.rules import Applied, Duty, Publication

__all__ = [
    "AcceptAnswer",
    "Accepted",
    "Applied",
    "Awaiting",
    "BufferEvent",
    "Clash",
    "DryRun",
    "Duty",
    "Entry",
    "Grant",
    "KeptBlock",
    "Lease",
    "Limits",
    "Movable",
    "Ownerless",
    "Parked",
    "Progress",
    "Publication",
    "QuotaUse",
    "Ready",
    "Record",
    "Replay",
    "Stale",
    "Taken",
    "Timing",
]
