"""The ledger's tables about changes of rules: who wanted them, who approved, when they are due."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, ForeignKey, Index, Integer, Table, Text

from gateway.store.ledger.tables import Instant, metadata

#: Evidence of dry runs by the SHA-256 of its text.
evidence = Table(
    "evidence",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

#: Proposed changes, each with the one ruling on it ("" before).
proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    Column("version", Text, ForeignKey("rule_texts.version"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("evidence_hash", Text, nullable=False),
    Column("base_epoch", BigInteger, nullable=False),
    Column("base_version", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ruling", Text, nullable=False),
    Column("ruled_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ruled_at", Instant),
    Index("proposals_by_version", "version", "at"),
)

#: Flips with a time.
schedules = Table(
    "schedules",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    Column("version", Text, ForeignKey("rule_texts.version"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("base_epoch", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("backlog", Text, nullable=False),
    Column("waived", JSON, nullable=False),
    Column("stage", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("changed_at", Instant),
)

#: What guardrails decided, with the numbers they saw.
findings = Table(
    "findings",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("wave", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("value", Double),
    Column("samples", BigInteger, nullable=False),
    Column("above", Double, nullable=False),
    Column("window_s", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("findings_by_wave", "wave", "at"),
)

#: What people are told by webhook, until it was taken.
notices = Table(
    "notices",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("webhook", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("next_at", Instant),
    Column("sent_at", Instant),
    Column("failure", Text, nullable=False),
    Index("notices_by_time", "next_at"),
)
