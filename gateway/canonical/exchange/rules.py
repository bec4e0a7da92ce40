"""What is in force, what is being applied, what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.canonical.envelope import Marker


@dataclass(frozen=True, slots=True)
class Publication:
    """The state of the rule book: what is in force, and the flip that is under way, if any.

    ``kind`` (``apply``, ``rollback`` or ``guardrail``), ``by`` and ``backlog`` (``drain`` or
    ``move``) are of the newest flip, open or closed.
    """

    marker: Marker
    pending: Marker | None
    by: str
    kind: str
    backlog: str = "drain"


@dataclass(frozen=True, slots=True)
class Duty:
    """Who looks after schedules and guardrails, under which fencing token."""

    holder: str
    token: int


@dataclass(frozen=True, slots=True)
class Applied:
    """One line of the history of flips; ``kind`` as in :class:`Publication`."""

    epoch: int
    version: str
    kind: str
    by: str
    note: str
    at: datetime
