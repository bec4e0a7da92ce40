"""What was accepted before a flip stays, or follows it; a rollback says what it leaves behind."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.exchange import Entry
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import PublishError
from gateway.flow.moving import Mover
from gateway.flow.project import Projector
from gateway.flow.publish import Publisher, Step, Terms
from gateway.flow.rollback import Rollbacks
from gateway.routing.compile import compile_rules
from gateway.routing.facts import Facts
from gateway.routing.ruleset import RuleSet
from tests.unit.flow.governed import LEAD, LEASE_MS, Governed, intake, rules
from tests.valkey import PARTITIONS, entry

pytestmark = pytest.mark.anyio

LEGACY, CLOUD = Target.LEGACY, Target.CLOUD


def order(
    ref: str, draft: RuleSet, epoch: int, entity: str = "NL01", total: str = "10.00"
) -> Entry:
    """An order of the webshop as rules of ``draft`` route it."""
    facts = Facts("order.intake", channel="webshop", legal_entity=entity, order_ref=ref)
    decision = compile_rules(draft).decide(facts)
    made = entry(ref, target=decision.target, epoch=epoch)
    envelope = Envelope.model_validate_json(made.payload).model_copy(
        update={
            "facts": {name: value for name, value in facts._asdict().items() if value},
            "rule_id": decision.rule_id,
            "rule_version": draft.version,
            "body": {"order_ref": ref, "total": total, "currency": "EUR"},
        }
    )
    return structs.replace(made, payload=envelope.model_dump_json().encode())


class Stage:
    """Legacy rules in force as epoch 1, rules of a wave at hand, and what moves the backlog."""

    def __init__(self, it: Governed, folder: Path) -> None:
        self.it = it
        self.legacy, self.cloud = rules(folder), rules(folder, {"nl": intake()})
        self.intake, self.lanes = it.buffer.intake, it.buffer.lanes
        mover = Mover(it.buffer.moves, it.versions, PARTITIONS)
        self.publisher = Publisher(it.book, it.ledger, it.clock, PARTITIONS, LEASE_MS, mover)
        self.rollbacks = Rollbacks(self.publisher, it.ledger, it.book, it.versions, it.auditor)

    async def first(self) -> None:
        """Bring the legacy rules into force."""
        await self.publisher.apply(self.legacy, "lee", "")

    async def flip(self, backlog: str) -> Marker:
        """Bring the wave into force."""
        return await self.publisher.apply(self.cloud, "lee", "", terms=Terms(backlog=backlog))

    async def tried(self, one: Entry, erp: Target = LEGACY) -> None:
        """Let a worker begin to send."""
        lease = await self.it.buffer.lease_of(one.object_key)
        (taken,) = [
            it for it in await self.lanes.take(lease, erp, 50) if it.object_key == one.object_key
        ]
        assert await self.lanes.attempt(taken)
        self.taken = taken

    async def project(self) -> None:
        """Bring the ledger up to date."""
        projector = Projector(self.it.buffer.feed, self.it.ledger)
        for partition in range(PARTITIONS):
            lease = await self.lanes.lease(partition, "w1", 5000)
            assert lease is not None
            while await projector.project(lease):
                pass


@pytest.fixture
async def stage(governed: Governed, tmp_path: Path) -> Stage:
    made = Stage(governed, tmp_path)
    await made.first()
    return made


@pytest.mark.parametrize(("backlog", "owner"), [("drain", LEGACY), ("move", CLOUD)])
async def test_what_nobody_tried_stays_or_follows_as_asked(
    stage: Stage, backlog: str, owner: Target
) -> None:
    dutch, german = order("A", stage.legacy, 1), order("B", stage.legacy, 1, "DE01")
    for one in (dutch, german):
        await stage.intake.accept(one)
    await stage.flip(backlog)
    assert await stage.intake.owner(dutch.object_key) is owner
    assert await stage.intake.owner(german.object_key) is LEGACY
    assert (await stage.it.book.publication()).backlog == backlog


async def test_what_was_tried_never_moves(stage: Stage) -> None:
    one = order("A", stage.legacy, 1)
    await stage.intake.accept(one)
    await stage.tried(one)
    await stage.lanes.defer(stage.taken, 0, unknown=True, reason="lost")
    await stage.flip("move")
    assert await stage.intake.owner(one.object_key) is LEGACY


@pytest.mark.parametrize("after", range(PARTITIONS * 2 + 1))
async def test_a_move_interrupted_anywhere_is_finished_by_resume_or_taken_back(
    stage: Stage, after: int
) -> None:
    orders = [order(f"O-{n}", stage.legacy, 1) for n in range(40)]
    for one in orders:
        await stage.intake.accept(one)
    steps = 0

    class Killed(BaseException):
        pass

    def die(_: Step) -> None:
        nonlocal steps
        steps += 1
        if steps > after:
            raise Killed

    with pytest.raises(Killed):
        await stage.publisher.apply(stage.cloud, "lee", "", die, terms=Terms(backlog="move"))
    with pytest.raises(PublishError, match="lee has a flip"):
        await stage.publisher.apply(stage.cloud, "bob", "")
    resume = random.Random(after).random() < 0.5
    if resume:
        assert await stage.publisher.resume("bob") == Marker(2, stage.cloud.version)
    else:
        marker = await stage.publisher.rollback("bob", "", backlog="move")
        assert marker == Marker(3, stage.legacy.version)
    owners = {await stage.intake.owner(one.object_key) for one in orders}
    assert owners == {CLOUD if resume else LEGACY}


async def test_a_rollback_takes_back_what_the_cloud_refused_only_if_asked(stage: Stage) -> None:
    await stage.flip("drain")
    refused, unknown = order("R", stage.cloud, 2), order("U", stage.cloud, 2)
    for one in (refused, unknown):
        await stage.intake.accept(one)
        await stage.tried(one, CLOUD)
        if one is refused:
            await stage.lanes.hold(stage.taken, Cause.NOT_ACCEPTED, "no such unit")
        else:
            await stage.lanes.defer(stage.taken, 0, unknown=True, reason="lost")
    await stage.rollbacks.rollback(LEAD, "", backlog="rejected")
    assert await stage.intake.owner(refused.object_key) is LEGACY
    assert await stage.intake.owner(unknown.object_key) is CLOUD
    rows = await stage.it.ledger.newest(1)
    assert rows[0].details["backlog"] == "rejected"


async def test_the_preview_counts_what_stays_in_the_cloud(stage: Stage) -> None:
    await stage.intake.accept(order("OLD", stage.legacy, 1, total="99.00"))
    await stage.flip("drain")
    for ref, total in (("A", "10.00"), ("B", "20.50"), ("C", "0.10"), ("D", "1.00")):
        await stage.intake.accept(order(ref, stage.cloud, 2, total=total))
    await stage.intake.accept(order("G", stage.cloud, 2, "DE01"))
    for ref in ("A", "B"):
        one = order(ref, stage.cloud, 2)
        await stage.tried(one, CLOUD)
        await stage.lanes.book(stage.taken.transaction_id, f"DOC-{ref}", "")
    await stage.tried(order("C", stage.cloud, 2), CLOUD)
    await stage.lanes.hold(stage.taken, Cause.NOT_ACCEPTED, "no")
    for process, ref in (("order.cancellation", "A"), ("return.credit", "B")):
        await stage.intake.accept(entry(ref, process=process, reference=f"{process}-1", epoch=2))
    await stage.tried(order("A", stage.cloud, 2), CLOUD)
    await stage.lanes.book(stage.taken.transaction_id, "DOC-X", "cancelled")
    await stage.project()
    seen = await stage.rollbacks.preview()
    assert (seen.in_force.epoch, seen.version, seen.waves) == (2, stage.legacy.version, ("nl",))
    left = seen.left
    assert (left.objects, left.value) == (4, {"EUR": Decimal("31.60")})
    assert (left.waiting, left.held, left.to_ship, left.to_refund) == (1, 1, 1, 1)
