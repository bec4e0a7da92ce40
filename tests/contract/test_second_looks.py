"""What was sent more than once is looked at again, and a double becomes an exception."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from gateway.canonical.audit import AuditRow
from gateway.canonical.envelope import Envelope, new_transaction_id
from gateway.canonical.exchange import BufferEvent, Lease, Listed, Wanted
from gateway.canonical.outcome import Busy, Unknown
from gateway.canonical.process import Target
from gateway.canonical.staff import Role, Staff
from gateway.errors import ErpUnavailable, Forbidden, NotFound
from gateway.flow.audit import Auditor
from gateway.flow.calls import Caller
from gateway.flow.reconcile import Looked, Reconciler
from gateway.policy.second_look import LOOKS_MAX, next_at
from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.conftest import NewLedger
from tests.unit.flow.doubles import Notes, ScriptedErp, StillClock

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY
FINAL_S = 10.0
PARTITION = 3


class FreeCaller(Caller):
    """Every call may be made, unless the test says that none may."""

    def __init__(self) -> None:
        self.busy = False

    async def call(self, erp: Target, act: Any, **_: Any) -> Any:
        if self.busy:
            raise ErpUnavailable("busy", 1)
        return await act()


class World:
    """A ledger, an ERP that answers from a list, and time that stands still."""

    def __init__(self, ledger: SqlLedger) -> None:
        self.ledger, self.clock, self.notes = ledger, StillClock(), Notes()
        self.erp = ScriptedErp(absent_final_ms=round(FINAL_S * 1000))
        self.caller = FreeCaller()
        ledger._clock = self.clock
        self.auditor = Auditor(ledger)
        self.reconciler = Reconciler(
            ledger, {LEGACY: self.erp}, self.caller, self.auditor, self.notes, self.clock
        )
        self._seq = 0

    async def booked(
        self, attempts: int = 2, partition: int = PARTITION, *, given_up: bool = False
    ) -> str:
        """Record an order that took ``attempts`` sends, or was given up after them."""
        at = self.clock.now()
        self._seq += 1
        transaction_id = new_transaction_id(partition, at, self._seq)
        envelope = Envelope(
            transaction_id=transaction_id, process="order.intake", channel="webshop",
            object_key=f"order:webshop:R-{self._seq}", reference=f"R-{self._seq}", accepted_at=at,
            facts={}, rule_id="r", rule_version="v", body={"order_ref": f"R-{self._seq}"},
        )  # fmt: skip
        steps: list[tuple[str, dict[str, str]]] = [
            ("accepted", {"owner": "legacy", "route": "legacy"})
        ]
        steps += [("attempted", {"attempt": str(n + 1)}) for n in range(attempts)]
        end = {"by": "lee", "reason": "a test order", "cause": "poison"}
        steps += [("discarded", end) if given_up else ("booked", {"document": "D-1", "result": ""})]
        at_ms = round(at.timestamp() * 1000)
        events = [
            BufferEvent(f"{at_ms}-{self._seq * 100 + n}", kind, transaction_id, at_ms, fields,
                        envelope if kind == "accepted" else None)
            for n, (kind, fields) in enumerate(steps)
        ]  # fmt: skip
        await self.ledger.project(partition, events)
        return transaction_id

    async def look(self) -> int:
        """Look once at what is due in the partition; return how many calls that took."""
        before = len(self.erp.asked)
        await self.reconciler.look(Lease(PARTITION, 1))
        return len(self.erp.asked) - before

    async def held(self) -> Sequence[Listed]:
        return await self.ledger.exceptions(Wanted(), 0, 10)

    async def audited(self) -> list[AuditRow]:
        return [row async for row in self.auditor.rows()]


@pytest.fixture
async def world(new_ledger: NewLedger) -> AsyncIterator[World]:
    opened = await open_ledger(new_ledger())
    yield World(opened)
    await opened.close()


async def test_a_double_is_told_once_with_both_numbers(world: World) -> None:
    identity = await world.booked()
    world.clock.passed_s += FINAL_S + 1
    world.erp.found = [["D-1", "D-2"], ["D-1", "D-2"]]
    assert await world.look() == 1
    (held,) = await world.held()
    assert (held.transaction_id, held.state, held.cause) == (identity, "booked", "booked-twice")
    assert held.detail.startswith("booked 2 times: D-1, D-2; reverse all but one there")
    assert world.notes.doubles == [("legacy", identity, "D-1", "D-2")]
    (row,) = await world.audited()
    assert (row.action, row.subject, row.via) == ("double.raise", identity, "worker")
    world.clock.passed_s += FINAL_S * 2
    assert await world.look() == 1, "it is looked at again"
    assert len(world.notes.doubles) == len(await world.audited()) == 1, "and told once"


async def test_what_was_sent_once_is_never_asked_for(world: World) -> None:
    await world.booked(attempts=1)
    await world.booked(partition=PARTITION + 1)
    world.clock.passed_s += 1000
    assert await world.look() == 0


async def test_looks_come_later_and_later_and_end(world: World) -> None:
    await world.booked()
    world.erp.found = [["D-1"]] * (LOOKS_MAX + 5)
    looked_at = []
    for second in range(0, 5000, 5):
        if await world.look():
            looked_at.append(second)
        world.clock.passed_s += 5
    pauses = [later - before for before, later in pairwise(looked_at)]
    assert looked_at[0] == FINAL_S
    assert pauses == [10, 20, 40, 80, 160, 320, 640]
    assert len(looked_at) == LOOKS_MAX
    assert await world.held() == []


def test_the_last_look_is_a_day_after_the_booking_in_production() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    last, looks = at + timedelta(minutes=12), 1
    while (following := next_at(looks, 720_000, last)) is not None:
        last, looks = following, looks + 1
    assert timedelta(hours=24) < last - at < timedelta(hours=26)


@pytest.mark.parametrize("answer", [Busy("closed"), Unknown("silence")])
async def test_an_erp_that_does_not_say_is_asked_again(world: World, answer: Any) -> None:
    await world.booked()
    world.clock.passed_s += FINAL_S + 1
    world.erp.found = [answer, ["D-1", "D-2"]]
    assert await world.look() == 1
    assert await world.held() == []
    assert await world.look() == 1
    assert len(await world.held()) == 1


async def test_without_a_call_to_spare_nothing_is_asked(world: World) -> None:
    await world.booked()
    world.clock.passed_s += FINAL_S + 1
    world.caller.busy = True
    assert await world.look() == 0
    world.caller.busy = False
    world.erp.found = [["D-1"]]
    assert await world.look() == 1


async def test_a_sweep_looks_at_all_of_them_due_or_not(world: World) -> None:
    doubled = [await world.booked(partition=n % 4) for n in range(5)]
    await world.booked(attempts=1)
    world.erp.found = [["D-1"], ["D-1", "D-2"], Busy("closed"), ["D-1"], ["D-1", "D-2", "D-3"]]
    found: list[Looked] = [each async for each in world.reconciler.sweep()]
    assert {each.record.transaction_id for each in found} == set(doubled)
    assert sum(each.double for each in found) == 2
    assert [each.detail for each in found if each.documents is None] == ["closed"]
    assert len(await world.held()) == 2


async def test_what_staff_settled_is_not_raised_again_unless_there_is_one_more(
    world: World,
) -> None:
    identity = await world.booked()
    finance = Staff("fin", frozenset({Role.FINANCE}), "cli")
    with pytest.raises(NotFound, match="is not known to be booked twice"):
        await world.reconciler.settle(finance, identity, "reversed D-2")
    assert await world.audited() == [], "what cannot be done leaves no line that it was"
    world.erp.found = [["D-1", "D-2"], ["D-1", "D-2"], ["D-1", "D-2", "D-3"]]
    assert [each.double async for each in world.reconciler.sweep()] == [True]
    viewer = Staff("eve", frozenset({Role.VIEWER}), "cli")
    with pytest.raises(Forbidden):
        await world.reconciler.settle(viewer, identity, "")
    await world.reconciler.settle(finance, identity, "reversed D-2")
    assert await world.held() == []
    assert [each.double async for each in world.reconciler.sweep()] == [True]
    assert await world.held() == [], "the same two: settled"
    assert [each.double async for each in world.reconciler.sweep()] == [True]
    (held,) = await world.held()
    assert "D-1, D-2, D-3" in held.detail
    assert [row.action for row in await world.audited()].count("double.settle") == 1


async def test_of_two_sweeps_at_once_one_tells(world: World) -> None:
    identity = await world.booked()
    assert await world.ledger.raise_double(identity, ["D-1", "D-2"])
    assert not await world.ledger.raise_double(identity, ["D-1", "D-2"])


async def test_what_was_given_up_and_is_booked_all_the_same_is_told(world: World) -> None:
    """Sent once, found absent for good, discarded: then the request arrives."""
    identity = await world.booked(attempts=1, given_up=True)
    await world.booked(attempts=0, given_up=True)
    assert await world.look() == 0, "what was absent for good was so a moment ago"
    world.clock.passed_s += FINAL_S + 1
    world.erp.found = [[], ["D-7"], ["D-7"], ["D-7"]]
    assert await world.look() == 1, "only what was ever sent"
    assert await world.held() == []
    world.clock.passed_s += FINAL_S + 1
    assert await world.look() == 1
    (held,) = await world.held()
    assert (held.transaction_id, held.state, held.cause) == (
        identity, "discarded", "booked-anyway",
    )  # fmt: skip
    assert held.detail.startswith("given up, and booked: D-7; reverse it there")
    assert [it.action for it in await world.audited()] == ["double.raise"]
    assert [it.double async for it in world.reconciler.sweep()] == [True]

    finance = Staff("fay", frozenset({Role.FINANCE}), "api")
    await world.reconciler.settle(finance, identity, "reversed by C-1")
    assert await world.held() == []
    assert [it.double async for it in world.reconciler.sweep()] == [True]
    assert await world.held() == [], "the same document raises none again"


async def test_a_sweep_pages_through_both_kinds_once_each(world: World) -> None:
    sent = [await world.booked(given_up=bool(n % 2)) for n in range(7)]
    world.erp.found = [[] if n % 2 else ["D-1"] for n in range(7)]
    world.clock.passed_s += 1
    looked = [it async for it in world.reconciler.sweep()]
    assert [it.record.transaction_id for it in looked] == sorted(sent)
    assert not any(it.double for it in looked)
