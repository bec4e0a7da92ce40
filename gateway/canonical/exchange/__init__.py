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
from gateway.canonical.exchange.exceptions import (
    Buffered,
    Case,
    Discarded,
    Edited,
    Edition,
    Happened,
    Listed,
    Refusal,
    StaffRefused,
    Tally,
    Wanted,
)
from gateway.canonical.exchange.hypercare import Left
from gateway.canonical.exchange.quotas import Grant, Limits, QuotaUse
from gateway.canonical.exchange.recording import BufferEvent, Record
from gateway.canonical.exchange.rules import Applied, Duty, Publication

__all__ = [
    "AcceptAnswer",
    "Accepted",
    "Applied",
    "Awaiting",
    "BufferEvent",
    "Buffered",
    "Case",
    "Clash",
    "Discarded",
    "DryRun",
    "Duty",
    "Edited",
    "Edition",
    "Entry",
    "Grant",
    "Happened",
    "KeptBlock",
    "Lease",
    "Left",
    "Limits",
    "Listed",
    "Movable",
    "Ownerless",
    "Parked",
    "Progress",
    "Publication",
    "QuotaUse",
    "Ready",
    "Record",
    "Refusal",
    "Replay",
    "StaffRefused",
    "Stale",
    "Taken",
    "Tally",
    "Timing",
    "Wanted",
]
