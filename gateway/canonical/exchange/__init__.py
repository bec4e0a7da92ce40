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
from gateway.canonical.exchange.backlog import Backlog, Peak
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
from gateway.canonical.exchange.permits import Permit
from gateway.canonical.exchange.quotas import (
    Adaptive,
    Batching,
    Breaker,
    Grant,
    Limits,
    QuotaUse,
    Shares,
    Window,
    WindowUse,
)
from gateway.canonical.exchange.reconciling import SecondLook
from gateway.canonical.exchange.recording import BufferEvent, Record
from gateway.canonical.exchange.recovering import Doubtful, Fate, Standing
from gateway.canonical.exchange.rules import Applied, Duty, Publication
from gateway.canonical.exchange.traffic import Traffic

__all__ = [
    "AcceptAnswer",
    "Accepted",
    "Adaptive",
    "Applied",
    "Awaiting",
    "Backlog",
    "Batching",
    "Breaker",
    "BufferEvent",
    "Buffered",
    "Case",
    "Clash",
    "Discarded",
    "Doubtful",
    "DryRun",
    "Duty",
    "Edited",
    "Edition",
    "Entry",
    "Fate",
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
    "Peak",
    "Permit",
    "Progress",
    "Publication",
    "QuotaUse",
    "Ready",
    "Record",
    "Refusal",
    "Replay",
    "SecondLook",
    "Shares",
    "StaffRefused",
    "Stale",
    "Standing",
    "Taken",
    "Tally",
    "Timing",
    "Traffic",
    "Wanted",
    "Window",
    "WindowUse",
]
