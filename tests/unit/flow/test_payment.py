"""An order that waits for its payment goes on when its shop says that it is paid: once, only it.

Real buffer, ledger, acceptor and order chain; only the ERP's answers are a test's.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import permutations
from typing import Any, cast

import pytest

from gateway.canonical.exchange import Case, Edited, Edition, StaffRefused
from gateway.canonical.outcome import Booked, Cause
from gateway.chain.erp import MappedErp
from gateway.chain.plan import Plan
from gateway.chain.run import Chain
from gateway.channels.shopify.draft import Terms
from gateway.channels.shopify.intake import Delivery, Shop, ShopifyIntake
from gateway.channels.shopify.polled import PolledShop
from gateway.channels.submissions import Taken
from gateway.clock import SystemClock
from gateway.errors import OwnerUndecidable, StoreUnavailable
from gateway.flow.payment import Payments
from gateway.flow.publish import Publisher
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger
from gateway.store.redis.desk import RedisDesk
from tests.unit.chain.test_steps import Known
from tests.unit.channels.amazon_bench import Seen
from tests.unit.channels.shopify_payloads import order
from tests.unit.flow.doubles import ScriptedErp, StillClock
from tests.unit.flow.rulesets import all_to
from tests.unit.flow.staffroom import LEAD, OPERATOR, Staffroom
from tests.unit.flow.test_accept import Gateway
from tests.unit.flow.test_deliver import LEGACY, Desk
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

PLANS = {("shop", ""): Plan(payment_waits=frozenset({"pending", "authorised"}))}
EARLY, LATER = "2026-11-21T10:00:00+01:00", "2026-11-21T10:05:00+01:00"


def placed(**more: Any) -> tuple[str, dict[str, Any]]:
    return "orders/create", order(financial_status="pending", updated_at=EARLY, **more)


def snapshot(status: str | None, topic: str = "orders/updated") -> tuple[str, dict[str, Any]]:
    return topic, order(financial_status=status, updated_at=LATER)


def paid(topic: str = "orders/paid") -> tuple[str, dict[str, Any]]:
    return snapshot("paid", topic)


class Shopping:
    """A shop whose orders wait for their payment, the gateway before it, and one worker."""

    def __init__(self, buffer: Buffer, ledger: SqlLedger, desk: RedisDesk | None = None) -> None:
        self.erp = ScriptedErp()
        self.room = Staffroom(buffer, ledger, self.erp)
        chain = Chain(LEGACY, Known(), PLANS)
        mapped = MappedErp(self.erp, Known(), SystemClock(), chain)
        self.room.worker = Desk(buffer, cast("ScriptedErp", mapped))
        self.buffer, self.ledger = buffer, ledger
        payments = Payments(desk or buffer.desk, buffer.lanes, self.room.auditor, PLANS)
        taking = Gateway(buffer, ledger, {LEGACY: self.erp}).acceptor
        self.intake = ShopifyIntake(taking, buffer.intake, ledger, payments)
        terms = Terms("NL01", "NL", "GUEST")
        self.shop = Shop("shop", terms, datetime(2026, 11, 1, tzinfo=UTC), lambda _: None)

    async def hook(self, told: tuple[str, dict[str, Any]]) -> list[str]:
        return [it.what for it in await self._taken(told)]

    async def accepted(self, told: tuple[str, dict[str, Any]]) -> Any:
        """Take an order; return what the buffer has of it."""
        (one,) = await self._taken(told)
        return await self.entry(one.transaction_id)

    async def entry(self, transaction_id: str) -> Any:
        progress = await self.buffer.intake.progress(transaction_id)
        assert progress is not None
        return progress.envelope

    async def held(self) -> Any:
        """Take an order and let the chain stop it."""
        one = await self.accepted(placed())
        await self.spend(one)
        assert await self.state(one) == ("held", Cause.PAYMENT_PENDING)
        return one

    async def spend(self, one: Any) -> None:
        """Deliver until nothing is due; an ERP that is asked books."""
        self.erp.sends = [Booked(f"D-{n}") for n in range(9)]
        await self.room.spend(one)

    async def state(self, one: Any) -> tuple[str, str]:
        progress = await self.buffer.intake.progress(one.transaction_id)
        assert progress is not None
        return progress.state, progress.cause

    async def status(self, one: Any) -> str:
        return str((await self.entry(one.transaction_id)).body["payment"]["status"])

    async def audited(self) -> list[tuple[str, str, str]]:
        return [(row.by, row.via, row.action) async for row in self.room.auditor.rows()]

    async def _taken(self, told: tuple[str, dict[str, Any]]) -> list[Taken]:
        topic, payload = told
        return await self.intake.take(self.shop, Delivery(topic, "", payload, "{}"))


@pytest.fixture
async def shopping(buffer: Buffer, ledger: SqlLedger) -> Shopping:
    await rules(buffer, ledger, Mode.LEGACY)
    return Shopping(buffer, ledger)


async def rules(buffer: Buffer, ledger: SqlLedger, mode: Mode) -> None:
    await buffer.client.command("FLUSHALL")
    await ledger.installation(PARTITIONS)
    publisher = Publisher(buffer.book, ledger, StillClock(), PARTITIONS, 1000)
    await publisher.apply(all_to(mode), "ann", "")


EDITED = ("shop", "channel", "exceptions.edit")
RELEASED = ("shop", "channel", "exceptions.retry")


@pytest.mark.parametrize("topic", ["orders/paid", "orders/updated"])
async def test_a_held_order_is_let_go_once_and_written_down_as_the_channels(
    shopping: Shopping, topic: str
) -> None:
    one = await shopping.held()
    assert await shopping.hook(paid(topic)) == ["payment"]
    assert await shopping.status(one) == "paid"
    assert await shopping.hook(paid(topic)) == []
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")
    assert await shopping.hook(paid(topic)) == []
    assert await shopping.audited() == [EDITED, RELEASED]
    assert [what for what, _ in shopping.erp.asked] == ["send"]
    await shopping.room.project(one)
    kinds = [it.kind for it in await shopping.ledger.history_of(one.transaction_id)]
    assert kinds == ["accepted", "held", "edited", "released", "attempted", "booked"]


async def test_a_poll_lets_go_what_no_webhook_did(shopping: Shopping) -> None:
    one = await shopping.held()
    polled = PolledShop(shopping.shop, shopping.intake, Seen())
    assert [await polled.take(paid()[1]) for _ in range(2)] == [1, 0]
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")


@pytest.mark.parametrize("told", list(permutations([placed(), paid(), paid("orders/updated")])))
async def test_told_in_any_order_it_is_booked(
    shopping: Shopping, told: tuple[tuple[str, dict[str, Any]], ...]
) -> None:
    one = await shopping.accepted(told[0])
    await shopping.spend(one)
    for it in told[1:]:
        await shopping.hook(it)
        await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")


@pytest.mark.parametrize("status", ["pending", "authorized", "voided", "moon", None])
async def test_only_an_outright_word_lets_it_go(shopping: Shopping, status: str | None) -> None:
    one = await shopping.held()
    assert await shopping.hook(snapshot(status)) == []
    older = order(financial_status="paid", updated_at="2026-11-21T09:59:00+01:00")
    assert await shopping.hook(("orders/updated", older)) == [], "it was overtaken"
    assert await shopping.state(one) == ("held", Cause.PAYMENT_PENDING)
    assert await shopping.audited() == []


async def test_what_is_held_for_something_else_stays_and_does_not_wait_for_money_afterwards(
    shopping: Shopping,
) -> None:
    wrong = order(financial_status="pending", updated_at=EARLY)
    wrong["line_items"][0]["sku"] = "no such sku"
    one = await shopping.accepted(("orders/create", wrong))
    await shopping.spend(one)
    assert await shopping.state(one) == ("held", Cause.NOT_MAPPED)
    assert await shopping.hook(paid()) == ["payment"]
    assert await shopping.state(one) == ("held", Cause.NOT_MAPPED)
    assert await shopping.audited() == [EDITED]
    _, patch = await shopping.room.corrector.patch_of(one.transaction_id, ["lines/0/sku=TEE-BLK-M"])
    await shopping.room.corrector.edit(OPERATOR, one.transaction_id, patch, reason="as sold")
    await shopping.room.project(one)
    await shopping.room.exceptions.retry(OPERATOR, one.transaction_id)
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")


async def test_paid_before_a_worker_came_to_it_never_stops_it(shopping: Shopping) -> None:
    one = await shopping.accepted(placed())
    assert await shopping.hook(paid()) == ["payment"]
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")
    assert await shopping.audited() == [EDITED], "nothing was held, nothing was released"


async def test_paid_while_the_rules_hold_it_never_stops_it(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    await rules(buffer, ledger, Mode.HOLD)
    shopping = Shopping(buffer, ledger)
    one = await shopping.accepted(placed())
    assert await shopping.state(one) == ("parked", "")
    assert await shopping.hook(paid()) == ["payment"]
    assert (await shopping.state(one), await shopping.status(one)) == (("parked", ""), "paid")


async def test_in_a_workers_hands_it_is_told_again_later(shopping: Shopping) -> None:
    one = await shopping.accepted(placed())
    lease = await shopping.room.worker.lease(one)
    (taken,) = await shopping.buffer.lanes.take(lease, LEGACY, 1)
    for _ in range(2):
        with pytest.raises(OwnerUndecidable):
            await shopping.hook(paid())
    assert await shopping.status(one) == "pending"
    permit = await shopping.room.worker.quotas.one(LEGACY)
    await shopping.room.worker.deliverer.deliver(taken, permit)
    assert await shopping.state(one) == ("held", Cause.PAYMENT_PENDING)
    assert await shopping.hook(paid()) == ["payment"]
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")


async def test_what_may_be_booked_is_not_touched(shopping: Shopping) -> None:
    """An attempt is open: the shop is told to send it again, and then it is known."""
    one = await shopping.held()
    part = shopping.buffer.desk._partitions[int(one.transaction_id[:2], 16)]
    await shopping.buffer.client.command("HSET", part.message(one.transaction_id), "at", 1)
    with pytest.raises(OwnerUndecidable):
        await shopping.hook(paid())
    assert await shopping.state(one) == ("held", Cause.PAYMENT_PENDING)
    assert await shopping.status(one) == "pending"


class Killed(RedisDesk):
    """A desk whose process dies once its change is made."""

    async def edit(
        self, case: Case, edition: Edition, by: str, reason: str, *, early: bool = False
    ) -> Edited | StaffRefused:
        await super().edit(case, edition, by, reason, early=early)
        raise StoreUnavailable("killed")


async def test_cut_off_between_change_and_release_it_is_let_go_by_the_next(
    shopping: Shopping, buffer: Buffer, ledger: SqlLedger
) -> None:
    one = await shopping.held()
    dying = Shopping(buffer, ledger, Killed(buffer.client, PARTITIONS))
    with pytest.raises(StoreUnavailable):
        await dying.hook(paid())
    assert await shopping.state(one) == ("held", Cause.PAYMENT_PENDING)
    assert await shopping.hook(paid()) == ["payment"]
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")


async def test_many_at_once_and_staff_among_them_let_it_go_once(shopping: Shopping) -> None:
    one = await shopping.held()
    await shopping.room.project(one)
    edit = shopping.room.corrector.edit(
        LEAD, one.transaction_id, {"customer": {"group": "gold"}}, reason="as agreed", revision=0
    )
    done = await asyncio.gather(
        edit, *(shopping.hook(paid()) for _ in range(6)), return_exceptions=True
    )
    assert not [it for it in done[1:] if isinstance(it, BaseException)]
    await shopping.spend(one)
    assert await shopping.state(one) == ("booked", "")
    body = (await shopping.entry(one.transaction_id)).body
    assert body["payment"]["status"] == "paid"
    if not isinstance(done[0], BaseException):
        assert body["customer"]["group"] == "gold", "nobody's change was lost"
    assert [what for what, _ in shopping.erp.asked] == ["send"]


async def test_what_was_given_up_stays_so(shopping: Shopping) -> None:
    one = await shopping.held()
    await shopping.room.corrector.discard(LEAD, one.transaction_id, reason="fraud")
    assert await shopping.hook(paid()) == []
    assert (await shopping.state(one))[0] == "discarded"


async def test_orders_that_do_not_wait_cost_nothing(buffer: Buffer, ledger: SqlLedger) -> None:
    payments = Payments(buffer.desk, buffer.lanes, Staffroom(buffer, ledger, ScriptedErp()).auditor,
                        {("shop", "DE01"): PLANS["shop", ""], ("shop", ""): Plan()})  # fmt: skip
    assert payments.concerns("shop", "DE01")
    assert not payments.concerns("shop", "NL01")
    assert not payments.concerns("other", "DE01")
