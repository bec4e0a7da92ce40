"""Readiness: every gate a wave has to pass, each green or red, with who can turn it green.

The sentence the code follows: *compare what is in force with what is to come; ask each gate about
what differs; a red gate stops the flip unless an approver waived it with a reason.* The gates are
asked again when a scheduled flip is due.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gateway.canonical.calendar import Calendar
from gateway.canonical.envelope import Marker
from gateway.canonical.exchange.governance import Proposal
from gateway.canonical.process import ERPS
from gateway.clock import Clock
from gateway.errors import CalendarsError, PublishError
from gateway.flow.approvals import Approvals
from gateway.flow.older import missing, needing, newest
from gateway.flow.versions import RuleVersions
from gateway.policy.approval import Standing
from gateway.policy.calendars import Reach, blocks
from gateway.ports import Owners, Quotas, WaveFigures
from gateway.routing.change import Change, change_between, entities_of
from gateway.routing.compile import compile_rules
from gateway.routing.dependencies import lacking, moving
from gateway.routing.facts import Facts
from gateway.routing.model import Rule
from gateway.routing.ruleset import RuleSet

#: Below this share of an ERP's quota left at the peak, a wave waits for a larger quota.
HEADROOM_MIN: Final = 0.1
#: Open exceptions looked at.
EXCEPTIONS_MAX: Final = 10_000

#: Who turns a gate green that no calendar or wave names an owner for.
LEAD, APPROVER, OPERATOR = "migration lead", "approver", "operations"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what was found, and who can change that. ``waived`` is the reason it is let pass.

    ``name`` is how ``--waive`` calls it.
    """

    name: str
    owner: str
    finding: str
    green: bool
    waived: str = ""

    @property
    def passes(self) -> bool:
        """Whether it stops nothing."""
        return self.green or bool(self.waived)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the gates need to know of the installation.

    ``stores`` says which legal entity a store belongs to, ``calendars`` reads the calendar files
    anew, ``approvers`` are the people who may approve. Without ``approvals_required`` neither dry
    run nor approval is asked for, nor an import of owners.
    """

    legal_entities: frozenset[str]
    stores: Mapping[str, str]
    approvals_required: bool
    approvers: tuple[str, ...]
    calendars: Callable[[], Sequence[Calendar]]


#: Gates by name: what each is about. ``rules`` cannot be waived.
GATES: Final[dict[str, str]] = {
    "rules": "the rule files have no problems",
    "dependencies": "the waves it depends on are in force and have moved",
    "dry-run": "recorded traffic was replayed against these very rules",
    "approvals": "somebody else approved these rules and that evidence",
    "calendars": "no freeze, no finance close, an open posting period",
    "quotas": "both ERPs have room for what moves",
    "exceptions": "nothing of what moves is held",
    "ownership": "owners of older orders were imported, all of them, or the wave says otherwise",
}


def unreadable(problems: int) -> Gate:
    """Return the gate of rule files that have problems: no other can be asked about them."""
    return Gate("rules", LEAD, f"{problems} problem(s) in the rule files", green=False)


class Readiness:
    """Asks the gates."""

    def __init__(
        self,
        figures: WaveFigures,
        owners: Owners,
        quotas: Quotas,
        versions: RuleVersions,
        approvals: Approvals,
        clock: Clock,
        terms: Terms,
    ) -> None:
        self._figures = figures
        self._owners = owners
        self._quotas = quotas
        self._versions = versions
        self._approvals = approvals
        self._clock = clock
        self._terms = terms

    async def change(self, draft: RuleSet, in_force: Marker) -> Change:
        """Return what a draft would change."""
        before = None
        if in_force.version:
            before = (await self._versions.compiled(in_force.version)).rule_set
        return change_between(before, draft)

    async def gates(
        self, draft: RuleSet, in_force: Marker, wave: str = "", at: datetime | None = None
    ) -> list[Gate]:
        """Ask every gate about what ``draft`` changes, or about one of its waves.

        ``at`` is when it is to come into force: now, unless said otherwise.
        """
        change = await self.change(draft, in_force)
        rules = [rule for rule in change.rules if not wave or rule.wave == wave]
        owner = {it.name: it.owner for it in draft.waves}.get(wave, LEAD)
        standing = await self._approvals.standing(draft, in_force)
        evidence = await self._evidence(standing.proposal)
        return [
            _green("rules", owner, f"version {draft.version}, {len(draft.rules)} rules"),
            await self._dependencies(draft, in_force, wave, change),
            self._dry_run(evidence, standing.proposal, in_force, owner),
            self._approval(standing),
            self._calendars(rules, change, at or self._clock.now()),
            await self._quota(evidence),
            await self._exceptions(draft, rules),
            await self._ownership(draft, rules, owner),
        ]  # fmt: skip

    async def _evidence(self, proposal: Proposal | None) -> Mapping[str, Any]:
        text = "" if proposal is None else await self._approvals.evidence(proposal)
        return dict(json.loads(text)) if text else {}

    async def _dependencies(
        self, draft: RuleSet, in_force: Marker, wave: str, change: Change
    ) -> Gate:
        """A wave another one needs has to be there before it, not come with it.

        A process may come with the one that needs it: both move with their requests.
        """
        waves = {it.name: it for it in draft.waves}
        lacks = [it for it in lacking(draft.rules) if not wave or wave == it.rule.wave]
        if lacks:
            return _red("dependencies", LEAD, "; ".join(map(str, lacks)))
        if not in_force.version:
            return _green("dependencies", LEAD, "these are the first rules")
        before = (await self._versions.compiled(in_force.version)).rule_set
        ready = moving(before.rules)
        ruled = {rule.wave for rule in draft.rules}
        asked = [wave] if wave else [it for it in change.waves if it in waves]
        missing = [
            f"'{name}' needs '{needs}'"
            for name in asked
            for needs in waves[name].depends_on
            if needs in ruled and name in moving(draft.rules) and needs not in ready
        ]
        owner = waves[asked[0]].owner if asked else LEAD
        if missing:
            found = f"{'; '.join(missing)}, which has not moved yet: apply that wave first"
            return _red("dependencies", owner, found)
        return _green("dependencies", owner, "whatever is needed before is in force")

    def _dry_run(
        self,
        evidence: Mapping[str, Any],
        proposal: Proposal | None,
        in_force: Marker,
        owner: str,
    ) -> Gate:
        if evidence and proposal is not None:
            found = f"evidence {proposal.evidence_hash[:12]} of {proposal.at:%Y-%m-%d %H:%M}"
        elif not in_force.version:
            found = "these are the first rules: no traffic was recorded before"
        elif not self._terms.approvals_required:
            found = "not asked for: no approval is required here"
        else:
            found = "no evidence: `coexist rules dryrun`, then `coexist rules propose --evidence`"
            return _red("dry-run", owner, found)
        return _green("dry-run", owner, found)

    def _approval(self, standing: Standing) -> Gate:
        owner = ", ".join(self._terms.approvers) or APPROVER
        if standing.approved or self._terms.approvals_required:
            return Gate("approvals", owner, standing.why, green=standing.approved)
        return _green("approvals", owner, "not required here")

    def _calendars(self, rules: Sequence[Rule], change: Change, at: datetime) -> Gate:
        try:
            calendars = self._terms.calendars()
        except CalendarsError as error:
            found = f"{len(error.problems)} problem(s): {error.problems[0]}"
            return _red("calendars", LEAD, found)
        entities = entities_of(rules, self._terms.legal_entities, self._terms.stores)
        found_blocks = blocks(calendars, Reach(entities, change.writes), at)
        if found_blocks:
            owner = ", ".join(dict.fromkeys(it.calendar.owner for it in found_blocks))
            return _red("calendars", owner, "; ".join(map(str, found_blocks)))
        when = at.isoformat(timespec="minutes")
        return _green("calendars", LEAD, f"{len(calendars)} calendar(s), none objects {when}")

    async def _quota(self, evidence: Mapping[str, Any]) -> Gate:
        """Ask the dry run how much is left at the peak; without one, how much is left now."""
        left, source = await self._headroom(evidence)
        shown = ", ".join(f"{erp} {share:.0%}" for erp, share in left.items())
        green = all(share >= HEADROOM_MIN for share in left.values())
        found = f"left of the quota {source}: {shown}; at least {HEADROOM_MIN:.0%} is wanted"
        return Gate("quotas", OPERATOR, found, green=green)

    async def _headroom(self, evidence: Mapping[str, Any]) -> tuple[dict[str, float], str]:
        load = evidence.get("evidence", {}).get("load", {})
        if load:
            return {erp: float(it["draft"]["headroom"]) for erp, it in load.items()}, "at the peak"
        return {erp.value: (await self._quotas.usage(erp)).left for erp in ERPS}, "now"

    async def _exceptions(self, draft: RuleSet, rules: Sequence[Rule]) -> Gate:
        """Count what is held of the traffic that the changed rules match.

        Where more is held than can be looked at, nobody knows: that is red, too.
        """
        changed = {rule.rule_id for rule in rules}
        compiled = compile_rules(draft)
        held = await self._figures.open_exceptions(EXCEPTIONS_MAX + 1)
        looked_at = held[:EXCEPTIONS_MAX]
        count = sum(compiled.decide(Facts(**it.facts)).rule_id in changed for it in looked_at)
        found = f"{count} held"
        if more := len(held) > len(looked_at):
            found += f" of the {len(looked_at):,} looked at, and there are more"
        if count or more:
            found += "; `coexist exceptions list` shows them"
        return Gate("exceptions", OPERATOR, found, green=not (count or more))

    async def _ownership(self, draft: RuleSet, rules: Sequence[Rule], owner: str) -> Gate:
        """Older orders of what moves have their owner, where changes of rules are governed."""
        imports = await newest(self._owners)
        coming = [rule for rule in rules if rule in set(draft.rules)]
        wanted = needing(draft.waves, coming) if self._terms.approvals_required else []
        if found := missing(imports, wanted):
            return _red("ownership", owner, found)
        taken = sum(it.imported + it.known for it in imports)
        found = f"{len(imports)} import(s), {taken} owner(s), all through"
        if not wanted:
            found += "; nothing that moves here asks for one"
        return _green("ownership", owner, found)


def _green(name: str, owner: str, finding: str) -> Gate:
    return Gate(name, owner, finding, green=True)


def _red(name: str, owner: str, finding: str) -> Gate:
    return Gate(name, owner, finding, green=False)


def waived(gates: Iterable[Gate], reasons: Mapping[str, str]) -> list[Gate]:
    """Return the gates with the reasons they are let pass for.

    Raises :class:`~gateway.errors.PublishError` for a gate nobody knows or nobody may waive, and
    for an empty reason.
    """
    for name, reason in reasons.items():
        if name not in GATES or name == "rules":
            known = ", ".join(it for it in GATES if it != "rules")
            raise PublishError(f"--waive {name}: no gate of that name; known here: {known}")
        if not reason.strip():
            raise PublishError(f"--waive {name}: say why, as in --waive '{name}=what is known'")
    return [
        gate if gate.green else replace(gate, waived=reasons.get(gate.name, "")) for gate in gates
    ]


def refuse_red(gates: Iterable[Gate], version: str) -> None:
    """Raise :class:`~gateway.errors.PublishError` naming each red gate, unless all pass."""
    red = [gate for gate in gates if not gate.passes]
    if red:
        lines = "".join(f"\n  {gate.name}: {gate.finding} (ask {gate.owner})" for gate in red)
        raise PublishError(
            f"rule version {version} is not ready:{lines}\nput it right, or have an approver say "
            "why it may pass: --waive GATE=reason --waived-by NAME"
        )
