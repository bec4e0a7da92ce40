"""Who may rule, and what an approval is worth, by table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange.governance import Proposal, Ruling, digest_of
from gateway.policy.approval import refusal, standing

TEXT = '{"rules": "v2"}'
EVIDENCE = sha256(b"report").hexdigest()
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
PROPOSED = Proposal(
    "p-1", "v2", digest_of(TEXT, EVIDENCE), EVIDENCE, 7, "v1", "ann", "wave 2", AT
)  # fmt: skip
APPROVED = replace(PROPOSED, ruling="approved", ruled_by="bob", ruled_at=AT)
REJECTED = replace(PROPOSED, ruling="rejected", ruled_by="bob", reason="prices differ")
LATER = AT + timedelta(minutes=1)

CASES = {
    "never proposed": ([], 7, TEXT, "was never proposed"),
    "of another version": ([replace(APPROVED, version="v3")], 7, TEXT, "was never proposed"),
    "not ruled on": ([PROPOSED], 7, TEXT, "waits for an approver"),
    "rejected": ([REJECTED], 7, TEXT, "bob rejected proposal p-1: prices differ"),
    "approved": ([APPROVED], 7, TEXT, ""),
    "another text": ([APPROVED], 7, TEXT + " ", "bound to another text"),
    "evidence swapped": (
        [replace(APPROVED, evidence_hash=sha256(b"other").hexdigest())], 7, TEXT,
        "bound to another text",
    ),
    "other rules since": ([APPROVED], 8, TEXT, "epoch 7 then, 8 now"),
    "proposed again since": (
        [APPROVED, replace(PROPOSED, proposal_id="p-2", at=LATER)], 7, TEXT,
        "proposal p-2 of ann waits",
    ),
    "rejected first, then approved": (
        [replace(APPROVED, proposal_id="p-2", at=LATER), REJECTED], 7, TEXT, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_newest_proposal_of_the_very_same_text_and_evidence_counts(case: str) -> None:
    proposals, epoch, text, why = CASES[case]
    found = standing("v2", text, Marker(epoch, "v1"), proposals)
    assert found.approved == (why == "")
    assert why in found.why


RULINGS = {
    ("ann", PROPOSED, Ruling.APPROVED): "nobody approves their own change",
    (" Ann ", PROPOSED, Ruling.APPROVED): "nobody approves their own change",
    ("ann", PROPOSED, Ruling.REJECTED): "",  # takes it back
    ("bob", PROPOSED, Ruling.APPROVED): "",
    ("bob", PROPOSED, Ruling.REJECTED): "",
    ("cid", APPROVED, Ruling.APPROVED): "was approved by bob",
    ("cid", APPROVED, Ruling.REJECTED): "was approved by bob",
    ("bob", REJECTED, Ruling.APPROVED): "was rejected by bob",
}


@pytest.mark.parametrize(("by", "proposal", "ruling"), RULINGS)
def test_somebody_else_rules_once(by: str, proposal: Proposal, ruling: Ruling) -> None:
    found = refusal(proposal, by, ruling)
    wanted = RULINGS[by, proposal, ruling]
    assert wanted in found
    assert bool(found) == bool(wanted)
