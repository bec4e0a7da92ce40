"""Who may rule on a proposal, and whether a rule version is approved now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange.governance import Proposal, Ruling, digest_of


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a version is approved, the proposal that says so, and why not if not."""

    why: str
    proposal: Proposal | None = None
    approved: bool = False


def standing(version: str, text: str, in_force: Marker, proposals: Sequence[Proposal]) -> Standing:
    """Judge a version by the newest of its ``proposals`` (in any order).

    An older one does not count: proposing again with other evidence takes back what was approved.
    Nor does one made while other rules were in force, under an earlier epoch: what its evidence
    was compared with is no longer there.
    """
    mine = sorted(
        (it for it in proposals if it.version == version),
        key=lambda it: (it.at, it.ruling != Ruling.APPROVED),  # of one instant: the cautious way
    )
    if not mine:
        return Standing(f"version {version} was never proposed")
    newest = mine[-1]
    if newest.digest != digest_of(text, newest.evidence_hash):
        why = f"proposal {newest.proposal_id} is bound to another text of {version}"
        return Standing(why, newest)
    if newest.ruling == Ruling.REJECTED:
        why = f"{newest.ruled_by} rejected proposal {newest.proposal_id}: {newest.reason}"
        return Standing(why, newest)
    if newest.ruling != Ruling.APPROVED:
        why = f"proposal {newest.proposal_id} of {newest.by} waits for an approver"
        return Standing(why, newest)
    if newest.base_epoch != in_force.epoch:
        why = (
            f"the rules in force changed since proposal {newest.proposal_id}: epoch "
            f"{newest.base_epoch} then, {in_force.epoch} now"
        )
        return Standing(why, newest)
    why = f"proposal {newest.proposal_id} of {newest.by}, approved by {newest.ruled_by}"
    return Standing(why, newest, approved=True)


def refusal(proposal: Proposal, by: str, ruling: Ruling) -> str:
    """Say why ``by`` may not rule on a proposal, or "" if they may. Roles are asked elsewhere."""
    if proposal.ruling:
        return (
            f"proposal {proposal.proposal_id} was {proposal.ruling} by {proposal.ruled_by}; a "
            "ruling is final: propose the rules again"
        )
    if ruling is Ruling.APPROVED and same_person(proposal.by, by):
        return f"{by} proposed {proposal.proposal_id}: nobody approves their own change"
    return ""


def same_person(one: str, other: str) -> bool:
    """Say whether two names, as they were typed, name one person."""
    return one.strip().casefold() == other.strip().casefold()
