"""What changes the rules of an installation, put together: for commands, gateways and workers."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.staff import Role
from gateway.flow.approvals import Approvals
from gateway.flow.changes import Changes
from gateway.flow.guardrails import Guards, Sight
from gateway.flow.hypercare import Hypercare, Records
from gateway.flow.moving import Mover
from gateway.flow.notices import Courier
from gateway.flow.publish import Publisher
from gateway.flow.readiness import Readiness, Terms
from gateway.flow.rollback import Rollbacks
from gateway.flow.schedule import Scheduler, Tools
from gateway.flow.watch import Work
from gateway.routing.calendar_files import load_calendars
from gateway.settings import Settings
from gateway.wiring import Parts


@dataclass(frozen=True, slots=True)
class Ruling:
    """Everything that changes rules."""

    publisher: Publisher
    approvals: Approvals
    readiness: Readiness
    changes: Changes
    scheduler: Scheduler
    rollbacks: Rollbacks
    courier: Courier
    guards: Guards
    hypercare: Hypercare


def ruling(parts: Parts) -> Ruling:
    """Put it together for one process."""
    settings, ledger, book = parts.settings, parts.ledger, parts.book
    mover = Mover(parts.moves, parts.versions, settings.partitions)
    publisher = Publisher(
        book, ledger, parts.clock, settings.partitions, settings.rule_lease_ms, mover
    )
    approvals = Approvals(ledger, ledger, book, parts.auditor, parts.clock)
    readiness = Readiness(
        ledger, ledger, parts.quotas, parts.versions, approvals, parts.clock, _terms(settings)
    )
    changes = Changes(publisher, readiness, book, parts.auditor, four_eyes=bool(settings.staff))
    courier = Courier(ledger, parts.webhooks, tuple(settings.webhooks), parts.clock)
    tools = Tools(ledger, ledger, book, parts.auditor, changes, readiness, publisher, parts.clock)
    sight = Sight(
        signals=ledger, reads=parts.reads, kept=ledger, ledger=ledger, book=book,
        versions=parts.versions, publisher=publisher, auditor=parts.auditor, courier=courier,
        clock=parts.clock,
    )  # fmt: skip
    records = Records(
        figures=ledger, signals=ledger, reads=parts.reads, findings=ledger, ledger=ledger,
        book=book, versions=parts.versions, clock=parts.clock,
    )  # fmt: skip
    governance = settings.governance
    return Ruling(
        publisher=publisher,
        approvals=approvals,
        readiness=readiness,
        changes=changes,
        scheduler=Scheduler(tools, governance.late_s_max, courier.keep),
        rollbacks=Rollbacks(publisher, ledger, book, parts.versions, parts.auditor),
        courier=courier,
        hypercare=Hypercare(records),
        guards=Guards(sight, governance.guardrails_every_s, governance.findings_days),
    )


def duties(parts: Parts) -> tuple[Work, ...]:
    """Return what a process does while it is on duty."""
    it = ruling(parts)
    return it.scheduler.carry_out, it.guards.look, it.courier.deliver


def _terms(settings: Settings) -> Terms:
    required = settings.governance.approvals_required
    entities = frozenset(settings.legal_entities)
    return Terms(
        legal_entities=entities,
        stores={name: store.legal_entity for name, store in settings.stores.items()},
        approvals_required=bool(settings.staff) if required is None else required,
        approvers=tuple(
            name for name, person in settings.staff.items() if Role.APPROVER in person.roles
        ),
        calendars=lambda: load_calendars(settings.governance.calendars_dir, entities),
    )
