"""What the buffer tells the ledger, and what the ledger keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.canonical.envelope import Envelope


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
    """A transaction as the ledger keeps it.

    ``shaped_by`` names the crosswalk versions of its newest attempt, "" if none shaped it.
    """

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
    shaped_by: str = ""

    @property
    def envelope(self) -> Envelope:
        """The message it is of, as far as it is recorded."""
        return Envelope(
            transaction_id=self.transaction_id,
            process=self.process,
            channel=self.channel,
            object_key=self.object_key,
            reference=self.reference,
            accepted_at=self.accepted_at,
            facts=dict(self.facts),
            rule_id=self.rule_id,
            rule_version=self.rule_version,
            body=dict(self.body),
        )
