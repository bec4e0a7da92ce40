"""What guardrails see, what they decide, and whom they tell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.canonical.exchange.hypercare import Span
from gateway.canonical.guardrail import Finding, Notice, Reading


class Signals(Protocol):
    """Readings of messages by the rules they came under; part of the ledger."""

    async def answers(self, rule_ids: Collection[str], since: datetime) -> tuple[int, int]:
        """Count what ERPs answered to the rules' messages since then: (errors, all)."""
        ...

    async def answers_about(self, processes: Collection[str], span: Span) -> tuple[int, int]:
        """Count what ERPs answered to messages of these processes in a time: (errors, all)."""
        ...

    async def held_objects(self, rule_ids: Collection[str], since: datetime) -> Reading:
        """Count the rules' objects that are held now; samples are messages accepted since."""
        ...

    async def lag(self, rule_ids: Collection[str], since: datetime, now: datetime) -> Reading:
        """Return the age of the oldest of the rules' messages that no ERP has, in seconds."""
        ...

    async def refund_failures(self, rule_ids: Collection[str], since: datetime) -> Reading:
        """Count held return credits of the rules' objects; samples are credits accepted since."""
        ...

    async def shadow_mismatches(self, rule_ids: Collection[str], since: datetime) -> Reading:
        """Return the percentage of the rules' shadow comparisons since then that differ."""
        ...


class Reads(Protocol):
    """How reads fared, counted by all gateways together."""

    async def reads(self, rule_ids: Collection[str], since_ms: int) -> tuple[int, int]:
        """Count the reads decided by these rules since then: (unanswered, all)."""
        ...

    async def by_rule(self, since_ms: int, until_ms: int) -> Mapping[tuple[str, str], int]:
        """Count the reads of that time by (rule, ``ok`` or ``error``)."""
        ...


class Findings(Protocol):
    """What guardrails decided, and what people are to be told; part of the ledger."""

    async def found(self, findings: Sequence[Finding], notices: Sequence[Notice]) -> None:
        """Record both in one SQL transaction."""
        ...

    async def findings(self, count: int, wave: str = "") -> Sequence[Finding]:
        """Return the newest findings, the newest first."""
        ...

    async def forget_findings(self, before: datetime) -> int:
        """Forget what is older and paused nothing; return how many that were."""
        ...

    async def notify(self, notices: Sequence[Notice]) -> None:
        """Keep notices to be sent."""
        ...

    async def due(self, now: datetime, count: int) -> Sequence[Notice]:
        """Return notices to be sent now."""
        ...

    async def sent(self, notice: Notice, seen_attempts: int) -> bool:
        """Record an attempt at a notice if nobody else has made one since."""
        ...


class Notifier(Protocol):
    """Posts to the webhooks that are configured."""

    async def post(self, notice: Notice) -> str:
        """Post it once, signed; return "" if it was taken, else why not."""
        ...
