"""Approvals: a lead proposes rules with the evidence of a dry run, somebody else rules on them.

The sentence the code follows: *what was proposed is kept, text and evidence, under a hash that
binds both; an approver who did not propose it says yes or no, once; at the flip the newest
proposal of the version is asked.*
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange.governance import Proposal, Ruling, digest_of
from gateway.canonical.staff import Action, Staff
from gateway.clock import Clock, token_bits
from gateway.errors import BadRequest, Forbidden, NotFound, PublishError
from gateway.flow.audit import Auditor
from gateway.flow.dryrun_report import evidence_hash
from gateway.policy.approval import Standing, refusal, standing
from gateway.ports import Governance, Ledger, RuleBook
from gateway.routing.ruleset import RuleSet

#: Proposals looked at: of one version there are a handful.
PROPOSALS_MAX = 100
#: Evidence is a summary, not the traffic it was made from.
EVIDENCE_BYTES_MAX = 8 * 1024 * 1024


def new_id(prefix: str, bits: Callable[[int], int] = token_bits) -> str:
    """Make a short id that can be read out over the phone."""
    return f"{prefix}{bits(32):08x}"


class Approvals:
    """Proposals of one installation, and what was said about them."""

    def __init__(
        self, kept: Governance, ledger: Ledger, book: RuleBook, auditor: Auditor, clock: Clock
    ) -> None:
        self._kept = kept
        self._ledger = ledger
        self._book = book
        self._auditor = auditor
        self._clock = clock

    async def propose(self, staff: Staff, rules: RuleSet, evidence: bytes, note: str) -> Proposal:
        """Keep the rules and the evidence of their dry run (b"" for none) for an approver.

        Raises:
            PublishError: these rules are in force already.
            BadRequest: the evidence is none, or of other rules.
        """
        publication = await self._book.publication()
        in_force = publication.marker
        if in_force.version == rules.version:
            raise PublishError(
                f"rule version {rules.version} is in force already, as epoch {in_force.epoch}; "
                "nothing to propose"
            )
        text = _evidence_text(evidence, rules.version)
        file_hash = sha256(evidence).hexdigest() if evidence else ""
        proposal = Proposal(
            proposal_id=new_id("p-"),
            version=rules.version,
            digest=digest_of(rules.text, file_hash),
            evidence_hash=file_hash,
            base_epoch=in_force.epoch,
            base_version=in_force.version,
            by=staff.name,
            note=note,
            at=self._clock.now(),
        )
        await self._auditor.record(
            staff, Action.RULES_PROPOSE, rules.version, note, proposal=proposal.proposal_id,
            digest=proposal.digest, evidence=file_hash, base_epoch=in_force.epoch,
        )  # fmt: skip
        await self._ledger.keep_rules(rules.version, rules.text)
        await self._kept.propose(proposal, text)
        return proposal

    async def rule(self, staff: Staff, proposal_id: str, ruling: Ruling, reason: str) -> Proposal:
        """Approve or reject a proposal, for good.

        Raises:
            NotFound: there is no such proposal.
            Forbidden: the person lacks the role, or proposed it.
            PublishError: somebody ruled before, or its text or evidence are not what was proposed.
        """
        proposal = await self._kept.proposal(proposal_id)
        if proposal is None:
            raise NotFound(
                f"no proposal {proposal_id!r} is known; `coexist rules approvals` lists them"
            )
        refused = refusal(proposal, staff.name, ruling)
        if refused:
            raise (PublishError if proposal.ruling else Forbidden)(refused)
        if ruling is Ruling.APPROVED:
            await self._unchanged(proposal)
        await self._auditor.record(
            staff, Action.RULES_APPROVE, proposal.version, reason, proposal=proposal_id,
            ruling=ruling.value, digest=proposal.digest,
        )  # fmt: skip
        ruled = replace(
            proposal, ruling=ruling.value, ruled_by=staff.name, reason=reason,
            ruled_at=self._clock.now(),
        )  # fmt: skip
        if not await self._kept.rule(ruled):
            found = await self._kept.proposal(proposal_id) or proposal
            raise PublishError(refusal(found, staff.name, ruling))
        return ruled

    async def proposals(self, count: int) -> Sequence[Proposal]:
        """Return the newest proposals."""
        return await self._kept.proposals(count)

    async def evidence(self, proposal: Proposal) -> str:
        """Return the text of a proposal's evidence, "" if it has none."""
        return await self._kept.evidence(proposal.evidence_hash) or ""

    async def standing(self, rules: RuleSet, in_force: Marker) -> Standing:
        """Say whether these rules may go into force now."""
        proposals = await self._kept.proposals(PROPOSALS_MAX, rules.version)
        return standing(rules.version, rules.text, in_force, proposals)

    async def _unchanged(self, proposal: Proposal) -> None:
        """Raise unless ledger still holds the very text and evidence that were proposed."""
        text = await self._ledger.rules(proposal.version)
        evidence = await self.evidence(proposal)
        found = sha256(evidence.encode()).hexdigest() if evidence else ""
        if text is None or digest_of(text, found) != proposal.digest:
            raise PublishError(
                f"what the ledger holds of proposal {proposal.proposal_id} is not what was "
                "proposed: its text or evidence was changed; propose the rules again"
            )


def _evidence_text(evidence: bytes, version: str) -> str:
    if not evidence:
        return ""
    if len(evidence) > EVIDENCE_BYTES_MAX:
        raise BadRequest(
            f"the evidence has {len(evidence)} bytes, at most {EVIDENCE_BYTES_MAX} are kept; give "
            "the JSON that `coexist rules dryrun` wrote"
        )
    try:
        text = evidence.decode("utf-8")
        report = json.loads(text)
        found, named = report["rules_version"], report["evidence_hash"]
        hashed = evidence_hash(found, report["evidence"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            f"the evidence is no report of a dry run ({type(error).__name__}: {error}); give the "
            "JSON that `coexist rules dryrun` wrote"
        ) from None
    if found != version:
        raise BadRequest(
            f"the evidence is about rule version {found}, and the files say {version}: somebody "
            "edited them since; run `coexist rules dryrun` again"
        )
    if named != hashed:
        raise BadRequest(
            f"the evidence calls itself {str(named)[:12]} and its figures are those of "
            f"{hashed[:12]}: the file was edited; run `coexist rules dryrun` again"
        )
    return text
