"""Approvals on both databases: bound to text and evidence, ruled on once, by somebody else."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange.governance import Proposal, Ruling
from gateway.canonical.staff import Role, Staff
from gateway.clock import SystemClock
from gateway.errors import BadRequest, CoexistError, Forbidden, NotFound, PublishError
from gateway.flow.approvals import Approvals
from gateway.flow.audit import Auditor
from gateway.routing.ruleset import RuleSet
from gateway.store.ledger import SqlLedger, tables, wave_tables
from gateway.store.redis.rulebook import RedisRuleBook
from tests.unit.flow.governed import evidence_of
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

LEAD = Staff("lee", frozenset({Role.LEAD}), "cli")
APPROVER = Staff("ada", frozenset({Role.APPROVER}), "cli")
BOTH = Staff("bo", frozenset({Role.LEAD, Role.APPROVER}), "cli")
RULES = RuleSet((), (), '{"rules": "v2"}', "v2")
REPORT = evidence_of("v2", {"moved": 12})


@pytest.fixture
async def book(buffer: Buffer) -> RedisRuleBook:
    await buffer.client.command("FLUSHALL")
    return buffer.book


@pytest.fixture
async def approvals(ledger: SqlLedger, book: RedisRuleBook) -> Approvals:
    return Approvals(ledger, ledger, book, Auditor(ledger), SystemClock())


async def test_somebody_else_approves_and_the_audit_log_says_so(
    approvals: Approvals, ledger: SqlLedger
) -> None:
    proposal = await approvals.propose(LEAD, RULES, REPORT, "wave 2")
    assert not (await approvals.standing(RULES, Marker(0, ""))).approved
    await approvals.rule(APPROVER, proposal.proposal_id, Ruling.APPROVED, "fine")
    found = await approvals.standing(RULES, Marker(0, ""))
    assert found.approved
    assert await approvals.evidence(proposal) == REPORT.decode()
    newest = await ledger.newest(2)
    assert [(row.by, row.action) for row in newest] == [
        ("ada", "rules.approve"), ("lee", "rules.propose"),
    ]  # fmt: skip
    assert all(row.details["digest"] == proposal.digest for row in newest)
    assert (await approvals.proposals(5))[0].ruled_by == "ada"


async def test_other_evidence_takes_the_approval_back(approvals: Approvals) -> None:
    proposal = await approvals.propose(LEAD, RULES, REPORT, "")
    await approvals.rule(APPROVER, proposal.proposal_id, Ruling.APPROVED, "")
    other = evidence_of("v2", {"moved": 13})
    again = await approvals.propose(LEAD, RULES, other, "")
    assert again.digest != proposal.digest
    assert not (await approvals.standing(RULES, Marker(0, ""))).approved


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        (LEAD, Forbidden),  # has no such role
        (Staff("sam", frozenset({Role.OPERATOR, Role.VIEWER}), "cli"), Forbidden),
        (BOTH, None),
    ],
)
async def test_who_may_approve(
    approvals: Approvals, who: Staff, refused: type[CoexistError] | None
) -> None:
    proposal = await approvals.propose(LEAD, RULES, b"", "")
    if refused is None:
        await approvals.rule(who, proposal.proposal_id, Ruling.APPROVED, "")
        return
    with pytest.raises(refused):
        await approvals.rule(who, proposal.proposal_id, Ruling.APPROVED, "")
    assert not (await approvals.standing(RULES, Marker(0, ""))).approved


async def test_nobody_approves_their_own_change_whatever_their_roles(approvals: Approvals) -> None:
    proposal = await approvals.propose(BOTH, RULES, b"", "")
    with pytest.raises(Forbidden, match="nobody approves their own change"):
        await approvals.rule(BOTH, proposal.proposal_id, Ruling.APPROVED, "")


async def test_of_two_rulings_at_once_one_counts(approvals: Approvals) -> None:
    proposal = await approvals.propose(LEAD, RULES, b"", "")
    answers = await asyncio.gather(
        approvals.rule(APPROVER, proposal.proposal_id, Ruling.APPROVED, ""),
        approvals.rule(BOTH, proposal.proposal_id, Ruling.REJECTED, "no"),
        return_exceptions=True,
    )
    assert len([it for it in answers if isinstance(it, Proposal)]) == 1
    assert len([it for it in answers if isinstance(it, PublishError)]) == 1


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (b"\xff", "is no report of a dry run"),
        (b"[]", "is no report of a dry run"),
        (b"{}", "is no report of a dry run"),
        (evidence_of("v1", {}), "about rule version v1, and the files say v2"),
        (REPORT.replace(b"12", b"13"), "the file was edited; run `coexist rules dryrun` again"),
        (b" " * (8 * 1024 * 1024 + 1), "at most 8388608 are kept"),
    ],
)
async def test_evidence_of_something_else_is_refused(
    approvals: Approvals, ledger: SqlLedger, evidence: bytes, told: str
) -> None:
    with pytest.raises(BadRequest, match=told):
        await approvals.propose(LEAD, RULES, evidence, "")
    assert not await ledger.newest(1)


@pytest.mark.parametrize("what", ["text", "evidence"])
async def test_what_was_tampered_with_in_the_ledger_is_not_approved(
    approvals: Approvals, ledger: SqlLedger, what: str
) -> None:
    proposal = await approvals.propose(LEAD, RULES, REPORT, "")
    table = tables.rule_texts if what == "text" else wave_tables.evidence
    await ledger._write(lambda db: db.execute(update(table).values(text="{}")))
    with pytest.raises(PublishError, match="is not what was proposed"):
        await approvals.rule(APPROVER, proposal.proposal_id, Ruling.APPROVED, "")


async def test_what_is_in_force_is_not_proposed_and_what_is_unknown_not_ruled_on(
    approvals: Approvals, book: RedisRuleBook
) -> None:
    with pytest.raises(NotFound, match="`coexist rules approvals` lists them"):
        await approvals.rule(APPROVER, "p-0", Ruling.APPROVED, "")
    marker = await book.begin(0, "v2", "apply", "ann")
    assert marker is not None
    await book.finish(marker)
    with pytest.raises(PublishError, match="nothing to propose"):
        await approvals.propose(LEAD, RULES, b"", "")
