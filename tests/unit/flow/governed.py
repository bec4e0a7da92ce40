"""An installation whose rules are governed: real store, ledger and rule files, a clock of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from gateway.canonical.calendar import Calendar
from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Duty, Limits, Window
from gateway.canonical.exchange.governance import Ruling
from gateway.canonical.process import ERPS, PROCESSES
from gateway.canonical.staff import Role, Staff
from gateway.flow.approvals import Approvals
from gateway.flow.audit import Auditor
from gateway.flow.changes import Changes
from gateway.flow.dryrun_report import evidence_hash
from gateway.flow.publish import Publisher
from gateway.flow.readiness import Gate, Readiness, Terms
from gateway.flow.schedule import Scheduler, Tools
from gateway.flow.versions import RuleVersions
from gateway.routing.loader import load
from gateway.routing.model import default_mode
from gateway.routing.ruleset import RuleSet
from gateway.store.ledger import SqlLedger
from gateway.store.redis.rulebook import RedisRuleBook
from tests.unit.flow.doubles import OpenQuotas, StillClock
from tests.valkey import PARTITIONS, Buffer

LEASE_MS = 1000
LATE_S = 3600.0

LEAD = Staff("lee", frozenset({Role.LEAD}), "cli")
APPROVER = Staff("ada", frozenset({Role.APPROVER}), "cli")
OPERATOR = Staff("olu", frozenset({Role.OPERATOR, Role.VIEWER}), "cli")


def rules(folder: Path, waves: Mapping[str, Mapping[str, object]] | None = None) -> RuleSet:
    """Write rule files and load them: all defaults, and the waves given by name."""
    folder.mkdir(parents=True, exist_ok=True)
    defaults = [
        {"id": f"default-{name.replace('.', '-')}", "process": name, "mode": str(default_mode(it))}
        for name, it in PROCESSES.items()
    ]
    (folder / "defaults.yaml").write_text(yaml.safe_dump({"rules": defaults}))
    (folder / "waves").mkdir(exist_ok=True)
    for file in (folder / "waves").iterdir():
        file.unlink()
    for name, wave in (waves or {}).items():
        text = yaml.safe_dump({"wave": name, "owner": "team", "older_orders": "none", **wave})
        (folder / "waves" / f"{name}.yaml").write_text(text)
    return load(folder)


def intake(mode: str = "cloud", entity: str = "NL01", **more: object) -> dict[str, object]:
    """A wave of one rule about orders."""
    rule = {
        "id": f"intake-{entity.lower()}",
        "process": "order.intake",
        "when": {"legal_entity": entity},
        "mode": mode,
    }
    return {"rules": [rule], **more}


@dataclass
class Governed:
    """All that changes rules, with approvals required or not, and calendars a test may change."""

    buffer: Buffer
    ledger: SqlLedger
    required: bool = False
    calendars: list[Calendar] = field(default_factory=list)
    clock: StillClock = field(default_factory=StillClock)

    def __post_init__(self) -> None:
        self.auditor = Auditor(self.ledger)
        self.book: RedisRuleBook = self.buffer.book
        limits = {erp: Limits(5, (Window(100, 60_000),), 10_000) for erp in ERPS}
        self.quotas = OpenQuotas(self.buffer.client, limits)
        self.versions = RuleVersions(self.book, self.ledger, self.clock, LEASE_MS)
        self.publisher = Publisher(self.book, self.ledger, self.clock, PARTITIONS, LEASE_MS)
        self.approvals = Approvals(self.ledger, self.ledger, self.book, self.auditor, self.clock)
        terms = Terms(
            legal_entities=frozenset({"NL01", "DE01"}),
            stores={"NL-001": "NL01", "DE-001": "DE01"},
            approvals_required=self.required,
            approvers=("ada",),
            calendars=lambda: self.calendars,
        )
        self.readiness = Readiness(
            self.ledger, self.ledger, self.quotas, self.versions, self.approvals, self.clock, terms
        )
        self.changes = Changes(
            self.publisher, self.readiness, self.book, self.auditor, four_eyes=self.required
        )
        self.scheduler = self.another()

    def another(self) -> Scheduler:
        """The scheduler of another process."""
        tools = Tools(
            self.ledger, self.ledger, self.book, self.auditor, self.changes, self.readiness,
            self.publisher, self.clock,
        )  # fmt: skip
        return Scheduler(tools, LATE_S)

    @property
    def now(self) -> datetime:
        """The time by our clock."""
        return self.clock.now()

    def later(self, seconds: float) -> datetime:
        """Say when it is in so many seconds."""
        return self.now + timedelta(seconds=seconds)

    def wait(self, seconds: float) -> None:
        """Let time pass, for us and for the store."""
        self.clock.passed_s += seconds
        self.buffer.later(round(seconds * 1000))

    async def in_force(self) -> Marker:
        """What is in force."""
        return (await self.book.publication()).marker

    async def duty(self, holder: str = "p1") -> Duty:
        """Go on duty; somebody has to be off it."""
        duty = await self.book.on_duty(holder, 5000)
        assert duty is not None
        return duty

    async def red(self, draft: RuleSet, wave: str = "") -> dict[str, Gate]:
        """The gates that are red, by name."""
        gates = await self.readiness.gates(draft, await self.in_force(), wave)
        return {gate.name: gate for gate in gates if not gate.green}

    async def deeds(self) -> Sequence[tuple[str, str]]:
        """Who did what, the oldest first."""
        rows = await self.ledger.audited(0, 1000)
        return [(row.by, row.action) for row in rows]


def report(draft: RuleSet, headroom: float = 0.5) -> bytes:
    """The evidence of a dry run that leaves this share of both quotas."""
    load = {erp: {"draft": {"headroom": headroom}} for erp in ("legacy", "cloud")}
    return evidence_of(draft.version, {"load": load})


def evidence_of(version: str, found: Mapping[str, object]) -> bytes:
    """A report as a dry run writes it, with the hash of its figures."""
    report = {
        "rules_version": version,
        "evidence_hash": evidence_hash(version, found),
        "evidence": found,
    }
    return json.dumps(report).encode()


async def approved(it: Governed, draft: RuleSet, headroom: float = 0.5) -> None:
    """Propose and approve."""
    proposal = await it.approvals.propose(LEAD, draft, report(draft, headroom), "")
    await it.approvals.rule(APPROVER, proposal.proposal_id, Ruling.APPROVED, "")
