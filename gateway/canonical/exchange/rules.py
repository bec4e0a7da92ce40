"""What is in force, what is being applied, what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.canonical.envelope import Marker


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
class Applied:
    """One line of the history of flips; ``kind`` is ``apply`` or ``rollback``."""

    epoch: int
    version: str
    kind: str
    by: str
    note: str
    at: datetime
