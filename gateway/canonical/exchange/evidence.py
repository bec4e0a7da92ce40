"""What the ledger keeps of decisions, and of what was found out by deciding them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeptBlock:
    """A packed block of decisions, and its place in the order of the record."""

    first_ms: int
    source: str
    seq: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class DryRun:
    """A dry run as the ledger keeps it: ``report`` is the JSON text it was shown as.

    ``evidence_hash`` is the SHA-256 of the rules' version and all figures together: an approval
    that names it is bound to both.
    """

    evidence_hash: str
    rules_version: str
    made_at: datetime
    by: str
    report: str
