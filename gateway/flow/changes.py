"""Changes: rules come into force when the gates let them, now or at a time.

The sentence the code follows: *ask the gates; a red one stops the flip unless an approver waived
it; write down who does what and why; flip, over exactly what was checked.*
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.canonical.envelope import Marker
from gateway.canonical.staff import Action, Staff, require
from gateway.errors import Forbidden
from gateway.flow.audit import Auditor
from gateway.flow.publish import Progress, Publisher, Terms
from gateway.flow.readiness import Gate, Readiness, refuse_red, waived
from gateway.policy.approval import same_person
from gateway.ports import RuleBook
from gateway.routing.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Waiver:
    """Gates that are let pass, with the reasons, and who answers for it."""

    reasons: Mapping[str, str] = field(default_factory=dict)
    by: Staff | None = None


NOTHING_WAIVED = Waiver()


class Changes:
    """Brings rules into force for people; ``four_eyes`` says that staff is configured."""

    def __init__(
        self,
        publisher: Publisher,
        readiness: Readiness,
        book: RuleBook,
        auditor: Auditor,
        *,
        four_eyes: bool,
    ) -> None:
        self._publisher = publisher
        self._readiness = readiness
        self._book = book
        self._auditor = auditor
        self._four_eyes = four_eyes

    async def checked(
        self,
        staff: Staff,
        action: Action,
        rules: RuleSet,
        note: str,
        waiver: Waiver,
        at: datetime | None = None,
    ) -> Marker:
        """Let ``staff`` do ``action`` if the gates do; return what was in force when they did.

        What was waived and what is done are in the audit log when this returns.

        Raises:
            PublishError: a gate is red.
            Forbidden: somebody lacks the role, or waives for their own change.
        """
        require(staff, action)
        in_force = (await self._book.publication()).marker
        gates = waived(await self._readiness.gates(rules, in_force, at=at), waiver.reasons)
        refuse_red(gates, rules.version)
        await self._answer_for(gates, staff, waiver.by or staff, rules)
        await self._auditor.record(
            staff, action, rules.version, note, over=in_force.version, epoch=in_force.epoch,
            waived=sorted(gate.name for gate in gates if gate.waived),
        )  # fmt: skip
        return in_force

    async def apply(
        self,
        staff: Staff,
        rules: RuleSet,
        note: str,
        progress: Progress = lambda _: None,
        *,
        waiver: Waiver = NOTHING_WAIVED,
        backlog: str = "drain",
    ) -> Marker:
        """Bring rules into force now."""
        over = await self.checked(staff, Action.RULES_APPLY, rules, note, waiver)
        terms = Terms(backlog=backlog, over=over)
        return await self._publisher.apply(rules, staff.name, note, progress, terms=terms)

    async def _answer_for(
        self, gates: Sequence[Gate], staff: Staff, waiving: Staff, rules: RuleSet
    ) -> None:
        for gate in gates:
            if not gate.waived:
                continue
            if self._four_eyes and same_person(staff.name, waiving.name):
                raise Forbidden(
                    f"{staff.name} may not waive {gate.name} for their own change; name the "
                    "approver who answers for it with --waived-by"
                )
            await self._auditor.record(
                waiving, Action.RULES_WAIVE, rules.version, gate.waived, gate=gate.name,
                finding=gate.finding,
            )  # fmt: skip
