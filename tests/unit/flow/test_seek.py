"""Follow-ups taken though nobody could say who owns their order: decided later, or an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import order_key
from gateway.canonical.exchange import Lease, Parked
from gateway.canonical.outcome import Cause
from gateway.canonical.process import ERPS, Target
from gateway.clock import SystemClock
from gateway.errors import ErpUnavailable, FencedOut, IdempotencyClash, LedgerUnavailable
from gateway.flow.accept import Submission
from gateway.flow.calls import Caller
from gateway.flow.owners import OwnerFinder
from gateway.flow.project import Projector
from gateway.flow.publish import Publisher
from gateway.flow.release import Releaser
from gateway.flow.seek import Seeker
from gateway.policy.triage import REMEDY, Teams
from gateway.policy.windows import Windows
from gateway.routing.facts import Facts
from gateway.routing.model import Mode, Rule
from gateway.store.ledger import SqlLedger, open_ledger
from gateway.store.redis.seeking import RedisSeeking
from tests.unit.flow.doubles import OpenQuotas, ScriptedErp, StillClock
from tests.unit.flow.rulesets import all_to
from tests.unit.flow.test_accept import Gateway, submission
from tests.unit.flow.test_dispatch import LIMITS
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

DEADLINE_MS = 60_000
CREDIT = "return.credit"
CANCEL = "order.cancellation"
OLD = order_key("webshop", "OLD-1")


class Town:
    """A gateway, one worker, both ERPs, and their silence."""

    def __init__(self, buffer: Buffer, ledger: SqlLedger, publisher: Publisher) -> None:
        self.buffer, self.ledger, self.publisher = buffer, ledger, publisher
        self.erps = {target: ScriptedErp(target) for target in ERPS}
        self.gateway = Gateway(buffer, ledger, self.erps)
        self.acceptor = self.gateway.acceptor
        self.seeking = RedisSeeking(buffer.client, PARTITIONS)
        self.worker = self.another_worker()
        self.projector = Projector(buffer.feed, ledger)

    def another_worker(self) -> Seeker:
        quotas = OpenQuotas(self.buffer.client, dict.fromkeys(ERPS, LIMITS))
        finder = OwnerFinder(self.ledger, self.erps, Caller(quotas, SystemClock(), Windows()))
        return Seeker(
            self.seeking, self.buffer.book, self.gateway.versions, finder,
            {"webshop": ("NL01", "BE01")}.__getitem__, DEADLINE_MS,
        )  # fmt: skip

    def silent(self, *erps: Target) -> None:
        for target, erp in self.erps.items():
            erp.fails = ErpUnavailable("silent") if target in erps else None

    async def take(self, reference: str, process: str = CREDIT, ref: str = "OLD-1") -> str:
        wanted = followed(reference, process, ref)
        return (await self.acceptor.accept(wanted)).transaction_id

    async def lease(self, key: str = OLD) -> Lease:
        return await self.buffer.lease_of(key, "w1", 3_600_000)

    async def seek(self, after_ms: int = 0, key: str = OLD) -> int:
        self.buffer.later(after_ms)
        return await self.worker.seek(await self.lease(key))

    async def project(self, key: str = OLD) -> None:
        await self.projector.project(await self.lease(key))

    async def states(self, *transactions: str) -> list[tuple[str, str]]:
        found = [await self.buffer.intake.progress(it) for it in transactions]
        return [(it.state, it.cause) for it in found if it is not None]

    async def delivered(self, erp: Target, key: str = OLD) -> list[str]:
        """Book all that is due at an ERP; return it in its order."""
        lease, booked = await self.lease(key), []
        while taken := await self.buffer.lanes.take(lease, erp, 10):
            for one in taken:
                assert await self.buffer.lanes.attempt(one)
                await self.buffer.lanes.book(one.transaction_id, "D", "")
                booked.append(one.transaction_id)
        return booked


def followed(reference: str, process: str = CREDIT, ref: str = "OLD-1") -> Submission:
    return Submission(
        process=process,
        channel="webshop",
        object_key=order_key("webshop", ref),
        reference=reference,
        facts=Facts(process, channel="webshop", legal_entity="NL01", order_ref=ref),
        body={"order_ref": ref},
        digest=b"d" * 16,
        order_channel="webshop",
        order_ref=ref,
    )


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
async def town(buffer: Buffer, ledger: SqlLedger) -> Town:
    await buffer.client.command("FLUSHALL")
    publisher = Publisher(buffer.book, ledger, StillClock(), PARTITIONS, 1000)
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    return Town(buffer, ledger, publisher)


async def test_what_nobody_can_decide_is_taken_and_decided_when_the_look_up_answers(
    town: Town,
) -> None:
    town.silent(Target.CLOUD)
    town.erps[Target.LEGACY].orders.add("OLD-1")
    one = await town.take("R-1")
    assert await town.take("R-1") == one, "a repeat is known"
    assert await town.seek() == 0
    assert await town.delivered(Target.LEGACY) == await town.delivered(Target.CLOUD) == []
    assert (await town.buffer.lanes.backlog())["parked"] == 1
    town.silent()
    assert await town.seek(1_000) == 1
    assert await town.buffer.intake.owner(OLD) is Target.LEGACY
    assert await town.delivered(Target.CLOUD) == []
    assert await town.delivered(Target.LEGACY) == [one]
    await town.project()
    record = await town.ledger.owner_record(OLD)
    assert record is not None
    assert (record.owner, record.source) == ("legacy", "lookup")
    found = await town.ledger.transaction(one)
    assert found is not None
    assert (found.state, found.owner) == ("booked", "legacy")


async def test_another_body_under_its_reference_still_clashes(town: Town) -> None:
    town.silent(*ERPS)
    await town.take("R-1")
    with pytest.raises(IdempotencyClash):
        await town.acceptor.accept(replace(followed("R-1"), digest=b"e" * 16))


async def test_many_at_once_are_taken_once_each_and_leave_in_their_order(town: Town) -> None:
    town.silent(*ERPS)
    answers = await asyncio.gather(*(town.take("R-1") for _ in range(20)))
    assert len(set(answers)) == 1
    second, third = await town.take("R-2"), await town.take("X-3", CANCEL)
    town.silent()
    town.erps[Target.LEGACY].orders.add("OLD-1")
    town.erps[Target.LEGACY].asked.clear()
    assert await town.seek() == 1
    assert await town.delivered(Target.LEGACY) == [answers[0], second, third]
    assert town.erps[Target.LEGACY].asked == [("has_order", "OLD-1")], "one look-up for all three"


async def test_a_worker_that_died_while_it_looked_leaves_all_to_the_next(town: Town) -> None:
    town.silent(*ERPS)
    one = await town.take("R-1")
    before = await town.lease()
    (seen,) = await town.seeking.sought(before, 10)
    town.erps[Target.LEGACY].orders.add("OLD-1")
    town.silent()
    await town.buffer.lease_of(OLD, "w1")  # taken anew: the first token is not the newest
    with pytest.raises(FencedOut):
        await town.seeking.sought(before, 10)
    assert not await town.seeking.found(seen, 1, Target.CLOUD, None, hold=False)
    assert not await town.seeking.unfound(seen, Cause.OWNER_UNDECIDED, "")
    town.worker = town.another_worker()
    assert await town.seek() == 1
    assert await town.delivered(Target.LEGACY) == [one]


async def test_past_its_deadline_it_is_an_exception_of_a_team_and_a_retry_looks_again(
    town: Town,
) -> None:
    town.silent(*ERPS)
    one, behind = await town.take("R-1"), await town.take("R-2")
    for _ in range(20):
        await town.seek(DEADLINE_MS // 20)
    assert await town.states(one, behind) == [("held", "owner-undecided"), ("waiting", "")]
    assert REMEDY[Cause.OWNER_UNDECIDED]
    assert Teams().of(CREDIT, "owner-undecided").name == "order-management"
    await town.project()
    record = await town.ledger.transaction(one)
    assert record is not None
    assert (record.state, record.cause) == ("held", "owner-undecided")
    assert "cloud and legacy does not answer" in record.detail
    assert await town.seek(1_000) == 0, "staff have it"
    town.silent()
    town.erps[Target.CLOUD].orders.add("OLD-1")
    assert await town.buffer.lanes.release_held(one, "sam")
    assert await town.seek() == 1
    assert await town.delivered(Target.CLOUD) == [one, behind]


async def test_a_released_one_has_its_whole_time_again(town: Town) -> None:
    town.silent(*ERPS)
    one = await town.take("R-1")
    assert await town.seek(DEADLINE_MS) == 1
    assert await town.buffer.lanes.release_held(one, "sam")
    assert await town.seek(DEADLINE_MS - 1) == 0
    assert await town.seek(1) == 1
    assert await town.states(one) == [("held", "owner-undecided")]


async def test_what_is_behind_a_silent_one_is_not_looked_for_but_ends_in_time(town: Town) -> None:
    town.silent(*ERPS)
    refs = [f"OLD-{n}" for n in range(40)]
    taken = {ref: await town.take("R", ref=ref) for ref in refs}
    for erp in town.erps.values():
        erp.asked.clear()
    leases = [await town.buffer.lanes.lease(n, "w1", 3_600_000) for n in range(PARTITIONS)]
    for lease in leases:
        assert lease is not None
        assert await town.worker.seek(lease) == 0
    asked = [ref for erp in town.erps.values() for _, ref in erp.asked]
    assert len(asked) <= PARTITIONS * len(ERPS)
    town.buffer.later(DEADLINE_MS)
    for lease in leases:
        assert lease is not None
        await town.worker.seek(lease)
    assert set(await town.states(*taken.values())) == {("held", "owner-undecided")}


async def test_both_systems_say_unknown_until_the_deadline(town: Town) -> None:
    town.silent(*ERPS)
    one = await town.take("R-1")
    town.silent()
    assert await town.seek() == 0, "its order may be on its way"
    assert await town.seek(DEADLINE_MS) == 1
    assert await town.states(one) == [("held", "unknown-order")]


async def test_both_systems_have_it_and_staff_are_told_at_once(town: Town) -> None:
    for erp in town.erps.values():
        erp.orders.add("OLD-1")
    one = await town.take("R-1")
    assert await town.seek() == 1
    assert await town.states(one) == [("held", "owner-undecided")]
    town.erps[Target.CLOUD].orders.clear()
    assert await town.buffer.lanes.release_held(one, "sam")
    assert await town.seek() == 1
    assert await town.delivered(Target.LEGACY) == [one]


async def test_discarded_it_lets_the_next_one_be_looked_for(town: Town) -> None:
    town.silent(*ERPS)
    one, behind = await town.take("R-1"), await town.take("R-2")
    assert await town.seek(DEADLINE_MS) == 1
    case = await town.buffer.desk.case(one)
    assert case is not None
    await town.buffer.desk.discard(case, "sam", "wrong", creates=False, absent=False)
    town.silent()
    town.erps[Target.LEGACY].orders.add("OLD-1")
    assert await town.seek() == 1
    assert await town.delivered(Target.LEGACY) == [behind]


@pytest.mark.parametrize("process", [CREDIT, CANCEL])
async def test_an_order_that_comes_after_what_follows_it_goes_first(
    town: Town, process: str
) -> None:
    town.silent(*ERPS)
    early = await town.take("R-1", process)
    order = (await town.acceptor.accept(submission("OLD-1"))).transaction_id
    assert await town.seek(1_000) == 0
    assert await town.delivered(Target.CLOUD) == [order, early]
    await town.project()
    found = [await town.ledger.transaction(it) for it in (order, early)]
    assert [(it.state, it.owner) for it in found if it] == [("booked", "cloud")] * 2


async def test_an_order_under_hold_goes_before_what_came_too_early(town: Town) -> None:
    await town.publisher.apply(all_to(Mode.HOLD), "ann", "")
    town.silent(*ERPS)
    early = await town.take("R-1")
    order = (await town.acceptor.accept(submission("OLD-1"))).transaction_id
    assert await town.seek(1_000) == 0
    await town.publisher.apply(all_to(Mode.LEGACY), "ann", "")
    releaser = Releaser(town.buffer.lanes, town.buffer.book, town.gateway.versions)
    assert await releaser.release(await town.lease()) == 1
    assert await town.delivered(Target.LEGACY) == [order, early]


async def test_the_ledger_away_is_no_reason_to_refuse(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(object_key: str) -> Target | None:
        raise LedgerUnavailable(f"the ledger does not answer: {object_key}")

    with monkeypatch.context() as while_away:
        while_away.setattr(town.ledger, "owner", away)
        one = await town.take("R-1")
        assert await town.seek() == 0
    town.erps[Target.CLOUD].orders.add("OLD-1")
    assert await town.seek(1_000) == 1
    assert await town.delivered(Target.CLOUD) == [one]


async def test_the_legal_entity_its_order_is_found_in_is_filled_in_and_rules_may_hold_it(
    town: Town,
) -> None:
    """A channel of two entities named none; the rules hold what is of the one that has it."""
    town.silent(*ERPS)
    facts = Facts(CREDIT, channel="webshop", order_ref="OLD-1")
    wanted = replace(followed("R-1"), facts=facts, order_entities=("NL01", "BE01"))
    one = (await town.acceptor.accept(wanted)).transaction_id
    town.silent()

    async def only_here(channel: str, order_ref: str, legal_entity: str) -> bool:
        return (channel, order_ref, legal_entity) == ("webshop", "OLD-1", "BE01")

    town.erps[Target.LEGACY].has_order = only_here  # type: ignore[method-assign]
    held = Rule("be-waits", CREDIT, Mode.HOLD, when=(("legal_entity", ("BE01",)),))
    await town.publisher.apply(all_to(Mode.CLOUD, held), "ann", "")
    assert await town.seek() == 1
    (parked,) = await town.buffer.lanes.parked(await town.lease(), 0, 0, 10)
    assert isinstance(parked, Parked)
    assert parked.owner is Target.LEGACY
    assert b'"legal_entity":"BE01"' in parked.payload
    await town.project()
    assert (await town.ledger.transaction(one)).state == "parked"  # type: ignore[union-attr]
    await town.publisher.apply(all_to(Mode.LEGACY), "ann", "")
    releaser = Releaser(town.buffer.lanes, town.buffer.book, town.gateway.versions)
    assert await releaser.release(await town.lease()) == 1
    assert await town.delivered(Target.LEGACY) == [one]


async def test_a_flip_between_look_up_and_pin_is_decided_anew(town: Town) -> None:
    town.silent(*ERPS)
    await town.take("R-1")
    (seen,) = await town.seeking.sought(await town.lease(), 10)
    assert not await town.seeking.found(seen, 99, Target.LEGACY, None, hold=False)
    assert await town.buffer.intake.owner(OLD) is None
