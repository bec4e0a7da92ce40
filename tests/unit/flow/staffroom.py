"""Staff at work: a real buffer and ledger, an ERP whose answers a test scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.exchange import Entry
from gateway.canonical.outcome import Cause, Outcome, Refused
from gateway.canonical.staff import Role, Staff
from gateway.flow.audit import Auditor
from gateway.flow.calls import Caller
from gateway.flow.correct import Corrector
from gateway.flow.exceptions import Bench, Exceptions
from gateway.flow.project import Projector
from gateway.policy.triage import Teams
from gateway.policy.windows import Windows
from gateway.ports import Desk as DeskPort
from gateway.store.ledger import SqlLedger
from gateway.store.redis.peak import RedisPeaks
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.test_deliver import LEGACY, Desk
from tests.valkey import Buffer, entry

MISSING = Refused(Cause.UNKNOWN_ITEM, "Material TEE-BLK-M is not maintained")
REFUSED = Refused(Cause.NOT_ACCEPTED, "no")


def who(*roles: Role, name: str = "sam") -> Staff:
    """Somebody with these roles."""
    return Staff(name, frozenset(roles), "api")


LEAD = who(Role.LEAD, name="lee")
OPERATOR = who(Role.OPERATOR, name="olga")


def order_body(ref: str = "A-1", *, sku: str = "TEE-BLK-M", price: str = "19.95") -> dict[str, Any]:
    """An order of one piece, as a channel sends it."""
    return {
        "order_ref": ref,
        "legal_entity": "NL01",
        "ordered_at": "2026-11-21T10:00:00Z",
        "currency": "EUR",
        "customer": {"ref": "C-1", "name": "Pat Sample", "email": "pat@example.com"},
        "ship_to": {
            "name": "Pat Sample", "street": "Example Street 1", "city": "Exampleton",
            "postal_code": "1000", "country": "NL",
        },
        "lines": [{"line": 1, "sku": sku, "quantity": 1, "unit_price": price}],
        "payment": {"method": "card"},
        "total": price,
    }  # fmt: skip


class Staffroom:
    """One worker, staff, and what they share."""

    def __init__(
        self, buffer: Buffer, ledger: SqlLedger, erp: ScriptedErp, *,
        teams: Teams | None = None, desk: DeskPort | None = None,
        calls_s: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self.buffer, self.ledger, self.erp = buffer, ledger, erp
        self.worker = Desk(buffer, erp)
        self.auditor = Auditor(ledger)
        self.bench = Bench(
            desk or buffer.desk, buffer.lanes, ledger, buffer.intake, buffer.lanes.backlog,
            self.auditor, self.worker.clock, ledger, teams or Teams(), calls_s or {"legacy": 20.0},
            RedisPeaks(buffer.client),
        )  # fmt: skip
        self.exceptions = Exceptions(self.bench)
        caller = Caller(self.worker.quotas, self.worker.clock, Windows())
        self.corrector = Corrector(self.bench, {LEGACY: erp}, caller)

    async def refused(
        self, ref: str = "A-1", outcome: Outcome = REFUSED, body: dict[str, Any] | None = None
    ) -> Entry:
        """Accept an order that its ERP refuses."""
        one = entry(ref, body=order_body(ref) if body is None else body)
        await self.buffer.intake.accept(one)
        self.erp.sends.append(outcome)
        await self.spend(one)
        await self.project(one)
        return one

    async def follow(self, one: Entry, reference: str = "X-1") -> Entry:
        """Accept a cancellation of an order."""
        ref = one.object_key.rpartition(":")[2]
        behind = entry(ref, process="order.cancellation", reference=reference)
        await self.buffer.intake.accept(behind)
        return behind

    async def spend(self, one: Entry) -> None:
        """Deliver until nothing of the object is due."""
        while await self.worker.step(one):
            pass

    async def project(self, one: Entry) -> None:
        """Bring what happened into the ledger."""
        lease = await self.worker.lease(one)
        await Projector(self.buffer.feed, self.ledger).project(lease)

    async def audited(self) -> list[tuple[str, str, str]]:
        """Return who did what to what, in order."""
        return [(row.by, row.action, row.subject) async for row in self.auditor.rows()]
