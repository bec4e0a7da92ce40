"""A seller's orders are pulled from the simulated marketplace: each once, whatever happens."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sp_api.api import Notifications

from gateway.errors import StoreUnavailable
from gateway.store.ledger import SqlLedger
from simulators.amazon.subscriptions import QUEUE_ARN
from tests.unit.channels.amazon_bench import (
    EAGER,
    LAZY,
    Bench,
    Breaking,
    Forgetful,
    Silent,
    Single,
    a_bench,
)
from tests.unit.simulators.markets import RunningMarket, market
from tests.unit.simulators.sellers import selling

pytestmark = pytest.mark.anyio


async def test_what_a_notification_tells_of_is_asked_for_and_taken_once(bench: Bench) -> None:
    mine = bench.there.place(quantity=3, liable=True)
    theirs = bench.there.place(by_amazon=True)
    assert await bench.puller().look() == 2
    assert await bench.puller().look() == 0
    taken = bench.taken()
    assert taken.keys() == {mine["id"], theirs["id"]}
    body = taken[mine["id"]]
    assert (body["total"], body["fulfilled_by"]) == (mine["total"], "retailer")
    assert body["lines"][0]["quantity"] == 3
    assert body["lines"][0]["taxes"][0]["channel_liable"] is True
    assert taken[theirs["id"]]["fulfilled_by"] == "channel"
    assert await bench.ledger.noticed(bench.channel, 10) == []


async def test_notifications_lost_doubled_and_disordered_change_nothing(bench: Bench) -> None:
    for fault in ("missing_notification", "duplicate_notification"):
        bench.there.fault(fault, probability=0.4)
    bench.there.fault("disordered_notification", probability=0.4, delay_ms=200)
    placed = [bench.there.place() for _ in range(12)]
    gone = placed[0]
    bench.there.act(gone["id"], "cancel")
    puller = bench.puller(EAGER)
    for _ in range(4):
        await puller.look()
        await asyncio.sleep(0.15)
    taken = bench.taken()
    assert taken.keys() >= {it["id"] for it in placed[1:]}
    assert taken.keys() <= {it["id"] for it in placed}
    whole = bench.taken("order.cancellation")
    assert whole.keys() == ({f"{gone['id']}/cancelled"} if gone["id"] in taken else set())


async def test_orders_come_once_the_seller_subscribed_the_queue(ledger: SqlLedger) -> None:
    """The Python client subscribes; notifications that come twice, late or never change nothing."""
    with market(subscribed=False) as there:
        async with a_bench(there, ledger) as bench:
            puller = bench.puller(LAZY, Single(bench.orders()))
            unheard = there.place()
            assert await puller.look() == 0
            await asyncio.to_thread(subscribe, there)
            for fault in ("duplicate_notification", "disordered_notification"):
                there.fault(fault, probability=0.5, delay_ms=100)
            heard = [there.place() for _ in range(6)]
            there.fault("missing_notification")
            lost = there.place()
            await asyncio.sleep(0.2)
            await puller.look()
            await bench.puller(EAGER).look()
            taken = bench.taken()
        assert taken.keys() == {it["id"] for it in [unheard, *heard, lost]}
        counters = there.counters()
        assert counters["notifications_duplicated"]
        assert counters["notifications_disordered"]
        assert counters["notifications_missing"] == counters["notifications_unsubscribed"] == 2


def subscribe(there: RunningMarket) -> None:
    with selling(Notifications, there) as calls:
        to = calls.create_destination(name="orders", arn=QUEUE_ARN).payload["destinationId"]
        calls.create_subscription("ORDER_CHANGE", destination_id=to)


async def test_two_that_pull_at_once_take_each_order_once(bench: Bench) -> None:
    bench.there.set(visibility_s=0.05)
    placed = [bench.there.place() for _ in range(6)]
    bench.there.act(placed[0]["id"], "cancel", item_id=placed[0]["items"][0], quantity=1)
    pullers = [bench.puller(EAGER) for _ in range(4)]
    await asyncio.gather(*(it.look() for it in pullers))
    await asyncio.gather(*(it.look() for it in pullers))
    assert bench.taken().keys() == {it["id"] for it in placed}
    assert bench.taken("order.cancellation").keys() == {f"{placed[0]['id']}/reduced-1"}


async def test_quantities_are_known_while_the_payment_is_awaited(bench: Bench) -> None:
    bench.there.set(pending_s=3600.0)
    placed = bench.there.place(quantity=4, paid=False)
    puller = bench.puller(EAGER)
    assert await puller.look() == 0
    (told,) = await bench.ledger.noticed(bench.channel, 10)
    assert (told.order_ref, told.status, told.lines[0].quantity) == (placed["id"], "PENDING", 4)
    bench.there.act(placed["id"], "authorise")
    assert await puller.look() == 1
    assert await bench.ledger.noticed(bench.channel, 10) == []


async def test_what_is_cancelled_before_is_never_taken_and_later_it_follows(bench: Bench) -> None:
    bench.there.set(pending_s=3600.0)
    never = bench.there.place(quantity=1, paid=False)
    bench.there.act(never["id"], "cancel")
    later = bench.there.place(quantity=3, paid=False)
    bench.there.act(later["id"], "authorise")
    puller = bench.puller(EAGER)
    await puller.look()
    for _ in range(2):
        bench.there.act(later["id"], "cancel", item_id=later["items"][0], quantity=1)
        await puller.look()
    bench.there.act(later["id"], "cancel")
    await puller.look()
    await puller.look()
    assert never["id"] not in bench.taken()
    cancelled = bench.taken("order.cancellation")
    assert [it["cancellation"].get("lines") for it in cancelled.values()] == [
        [{"line": 1, "quantity": 1}], [{"line": 1, "quantity": 1}], None,
    ]  # fmt: skip


async def test_another_process_goes_on_where_one_ended_without_a_gap(ledger: SqlLedger) -> None:
    with market(pending_s=0.0) as there:
        there.crowd(230)
        async with a_bench(there, ledger) as bench:
            silent = Silent()
            first = bench.puller(EAGER, Breaking(bench.orders(), 1), silent)
            await first.look()
            assert len(bench.taken()) == 100
            assert bench.seen.troubles == [f"pull {bench.channel}: gone away"]
            half = await bench.ledger.pull(bench.channel)
            assert half is not None
            assert half.page
            assert half.problem == "gone away"
            before = there.counters()["searches"]
            second = bench.puller(LAZY, queue=silent)
            assert await second.look() == 130
            assert there.counters()["searches"] == before + 2, "the first page was not asked again"
            assert len(bench.taken()) == 230
            done = await bench.ledger.pull(bench.channel)
            assert done is not None
            assert (done.page, done.problem) == ("", "")
            assert done.until > datetime.now(UTC) - timedelta(minutes=1)


async def test_a_page_token_that_is_too_old_begins_the_search_anew(bench: Bench) -> None:
    await bench.puller(EAGER).look()
    pull = await bench.ledger.pull(bench.channel)
    assert pull is not None
    placed = bench.there.place()
    await bench.ledger.keep_pull(
        type(pull)(**{name: getattr(pull, name) for name in pull.__slots__} | {"page": "too-old"})
    )
    silent = Silent()
    assert await bench.puller(EAGER, queue=silent).look() == 0
    assert "begins anew" in bench.seen.troubles[-1]
    assert await bench.puller(EAGER, queue=silent).look() == 1
    assert placed["id"] in bench.taken()


async def test_a_notification_is_written_down_before_it_is_deleted(bench: Bench) -> None:
    bench.there.set(visibility_s=0.1)
    placed = bench.there.place()
    gone = Breaking(bench.orders(), 0)
    await bench.puller(LAZY, gone, Forgetful(bench.queue())).look()
    assert [it.order_ref for it in await bench.ledger.noticed(bench.channel, 10)] == [placed["id"]]
    await asyncio.sleep(0.15)  # the messages come again
    assert await bench.puller().look() == 1
    assert await bench.puller().look() == 0
    assert bench.taken().keys() == {placed["id"]}
    assert bench.there.counters()["in_queue"] == 0


async def test_a_store_that_is_away_loses_nothing(bench: Bench) -> None:
    placed = bench.there.place()
    bench.world.buffer.failure = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await bench.puller().look()
    bench.world.buffer.failure = None
    assert await bench.puller().look() == 1
    assert bench.taken().keys() == {placed["id"]}
