"""What a credit about to leave knows of those before it: real buffer, ledger and order chain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Accepted, Entry
from gateway.canonical.outcome import Booked, Cause, Delayed, Outcome, Refused, Unknown
from gateway.chain.erp import MappedErp
from gateway.chain.run import Chain
from gateway.clock import SystemClock
from gateway.errors import LedgerUnavailable
from gateway.flow.credited import CreditHistory
from gateway.flow.project import Projector
from gateway.store.ledger import SqlLedger
from tests.unit.chain.test_steps import Known
from tests.unit.erp.envelopes import order, returned
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.test_deliver import LEGACY, Desk
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio

SOLD = order(order_ref="A-1").model_dump(mode="json")


class Booking(ScriptedErp):
    """Remembers the tax of each credit it is sent."""

    def __init__(self) -> None:
        super().__init__(LEGACY)
        self.taxes: list[str | None] = []

    async def send(self, envelope: Envelope) -> Outcome:
        if envelope.process == "return.credit":
            self.taxes.append(envelope.body["lines"][0]["tax"])
        return await super().send(envelope)


class Counter:
    """Credits of one order, one after the other."""

    def __init__(self, buffer: Buffer, ledger: SqlLedger) -> None:
        self.buffer, self.ledger = buffer, ledger
        self.erp = Booking()
        self.history = CreditHistory(buffer.intake, ledger)
        chain = Chain(LEGACY, Known(), history=self.history.of)
        self.desk = Desk(buffer, MappedErp(self.erp, Known(), SystemClock(), chain))  # type: ignore[arg-type]
        self.projector = Projector(buffer.feed, ledger)

    async def take(self, name: str, process: str, body: dict[str, Any]) -> Entry:
        one = entry("A-1", process=process, reference=name, body=body)
        assert isinstance(await self.buffer.intake.accept(one), Accepted)
        return one

    async def credit(self, name: str, **line: Any) -> Entry:
        row = {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "13.30"} | line
        body = returned(order_ref="A-1", return_ref=name, lines=[row], total=row["refund"])
        return await self.take(name, "return.credit", body.model_dump(mode="json"))

    async def deliver(self, one: Entry, *outcomes: Outcome) -> None:
        for outcome in outcomes:
            self.erp.sends.append(outcome)
            assert await self.desk.step(one)

    async def project(self, one: Entry) -> None:
        await self.projector.project(await self.desk.lease(one))


@pytest.fixture
async def counter(buffer: Buffer, ledger: SqlLedger) -> Counter:
    made = Counter(buffer, ledger)
    sold = await made.take("A-1", "order.intake", SOLD)
    await made.deliver(sold, Booked("D-1"))
    return made


async def test_thirds_give_back_all_the_tax_wherever_those_before_are_kept(
    counter: Counter,
) -> None:
    """In the buffer, and in the ledger alone: 6.93 of 39.90 in three parts."""
    waiting = [await counter.credit(f"R-{n}") for n in (1, 2, 3)]
    for at, one in enumerate(waiting, 2):
        await counter.deliver(one, Booked(f"D-{at}"))
        if at == 3:
            await counter.project(one)
            assert await counter.buffer.intake.progress(one.transaction_id) is None
    assert counter.erp.taxes == ["2.31", "2.31", "2.31"]


async def test_what_was_refused_and_given_up_gave_nothing_back(counter: Counter) -> None:
    """The first is refused and discarded; the second has the first's rounding."""
    first = await counter.credit("R-1", refund="19.95")
    then = await counter.credit("R-2", refund="19.95")
    await counter.deliver(first, Refused(Cause.NOT_ACCEPTED, "no"))
    case = await counter.buffer.desk.case(first.transaction_id)
    assert case is not None
    await counter.buffer.desk.discard(case, "sam", "never came", creates=False, absent=True)
    await counter.deliver(then, Booked("D-2"))
    assert counter.erp.taxes == ["3.47", "3.47"]


async def test_a_credit_sent_again_says_the_same(counter: Counter) -> None:
    """Its answer is lost; what comes behind it does not count for it."""
    first = await counter.credit("R-1", refund="19.95")
    await counter.credit("R-2", refund="19.95")
    await counter.deliver(first, Unknown("no answer"))
    envelope = (await counter.desk.state(first)).envelope
    found = await counter.history.of(envelope)
    assert not isinstance(found, Delayed)
    assert (found.order is not None, found.before) == (True, ())


async def test_while_the_ledger_is_away_a_credit_waits_and_is_not_guessed(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: str) -> None:
        await asyncio.sleep(0)
        raise LedgerUnavailable("no connection")

    one = await counter.credit("R-1")
    with monkeypatch.context() as outage:
        outage.setattr(counter.ledger, "transactions_of", away)
        assert await counter.desk.step(one)
    assert counter.erp.taxes == []
    assert (await counter.desk.state(one)).state == "waiting"
    counter.buffer.later(60_000)
    await counter.deliver(one, Booked("D-2"))
    assert counter.erp.taxes == ["2.31"]
