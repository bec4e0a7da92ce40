"""Calls to Amazon: rates, tokens and signatures are kept; what is odd is kept and told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.callers.amazon.login import Credentials, Login
from gateway.callers.amazon.signing import Key, signed
from gateway.canonical.unmapped import why_unmapped
from gateway.errors import MarketUnavailable
from gateway.store.ledger import SqlLedger
from tests.unit.channels.amazon_bench import (
    EAGER,
    LAZY,
    Bench,
    Shouting,
    Silent,
    Single,
    Told,
    a_bench,
)
from tests.unit.simulators.markets import market

pytestmark = pytest.mark.anyio


async def test_published_rates_are_kept_by_all_processes_together(ledger: SqlLedger) -> None:
    with market(rate_scale=1.0) as there:
        there.crowd(40)
        async with a_bench(there, ledger) as bench:
            for _ in range(4):  # each a process of its own, that knows only what is written down
                await bench.puller(LAZY, Single(bench.orders())).look()
            counters = there.counters()
            assert counters["throttled_429"] == 0
            assert 30 <= len(bench.taken()) <= 34, "the burst, and what time gave since"
            assert "the rate allows the next call in" in bench.seen.troubles[0]
            there.set(rate_scale=100.0)
            await asyncio.sleep(2.1)  # one call, whose answer says what the rate is now
            await bench.puller(LAZY, Single(bench.orders())).look()
            await asyncio.sleep(0.3)
            await bench.puller(LAZY, Single(bench.orders())).look()
            assert len(bench.taken()) == 40
            assert there.counters()["throttled_429"] == 0


async def test_an_answer_that_the_quota_is_exceeded_is_heeded(bench: Bench) -> None:
    placed = bench.there.place()
    bench.there.set(rate_scale=1.0)
    bench.there.fault("throttle", count=1)
    puller = bench.puller()
    before = bench.there.counters()["requests"]
    await puller.look()
    await puller.look()
    await puller.look()
    assert "QuotaExceeded" in bench.seen.troubles[0]
    assert "the rate allows the next call" in bench.seen.troubles[1]
    after = bench.there.counters()["requests"]
    queue_and_login = 3 * 2 + 1 + 1
    assert after - before <= queue_and_login + 1
    assert placed["id"] not in bench.taken()


async def test_one_token_is_fetched_for_all_and_a_stale_one_is_renewed(bench: Bench) -> None:
    placed = bench.there.place()
    before = bench.there.counters()["tokens"]
    orders = bench.orders()
    await asyncio.gather(*(orders.order(placed["id"]) for _ in range(8)))
    assert bench.there.counters()["tokens"] == before + 1
    bench.there.fault("token_expiry", count=1)
    assert await orders.order(placed["id"]) is not None
    assert bench.there.counters()["tokens"] == before + 2
    bench.there.fault("token_expiry")
    with pytest.raises(MarketUnavailable, match="403 Unauthorized"):
        await orders.order(placed["id"])


async def test_a_wrong_secret_is_told_without_repeating_it(bench: Bench) -> None:
    it = bench.there.options
    wrong = Credentials(it.client_id, "hush-hush", it.refresh_token)
    login = Login(bench.client, f"{bench.there.url}/auth/o2/token", wrong, bench.clock)
    with pytest.raises(MarketUnavailable, match="invalid_client; check client_id") as told:
        await login.token()
    assert "hush" not in str(told.value)
    with pytest.raises(MarketUnavailable, match="SignatureDoesNotMatch; check the queue"):
        await bench.queue("hush-hush").receive()


async def test_what_nobody_announced_is_taken_and_told(bench: Bench) -> None:
    for mode in ("unknown_field", "null", "new_enum"):
        bench.there.fault("schema_surprise", mode=mode)
        placed = bench.there.place()
        assert await bench.puller(EAGER).look() == 1
        bench.there.heal()
        assert not why_unmapped(bench.taken()[placed["id"]])
    drifts = set(bench.seen.drifts)
    assert {
        f"order {it}"
        for it in ("field:loyaltyTierV2", "null:programs", "value:programs=MOON_DELIVERY")
    } <= drifts
    assert "notification field:Summary.LoyaltyTierV2" in drifts
    assert "notification value:OrderChangeType=SomethingElseChange" in drifts


@pytest.mark.parametrize("mode", ["ahead", "behind"])
async def test_a_marketplace_with_a_wrong_clock_loses_no_order(bench: Bench, mode: str) -> None:
    bench.there.fault("clock_skew", mode=mode, delay_ms=20_000, duration_s=600)
    placed = bench.there.place()
    await bench.puller(EAGER).look()
    await bench.puller(EAGER).look()
    assert placed["id"] in bench.taken()
    assert bench.there.counters()["skewed"]
    bench.there.heal()
    bench.there.act(placed["id"], "cancel")  # perhaps before it was placed, by that clock
    for _ in range(2):
        await bench.puller(EAGER).look()
    assert f"{placed['id']}/cancelled" in bench.taken("order.cancellation")


async def test_what_cannot_be_mapped_is_held_with_what_was_received(bench: Bench) -> None:
    odd = Told(fulfillment={"fulfillmentStatus": "TELEPORTED"})
    assert await bench.puller(EAGER, odd, Silent()).look() == 1
    assert await bench.puller(EAGER, odd, Silent()).look() == 0
    (body,) = bench.taken().values()
    assert "TELEPORTED" in why_unmapped(body)
    assert "sellerSku" in body["unmapped"]["received"]


async def test_a_message_nobody_can_read_stays_in_the_queue_and_is_told(bench: Bench) -> None:
    queue = Shouting("{", "[]", '{"NotificationType": "REPORT_PROCESSING_FINISHED"}',
                     '{"NotificationType": "ORDER_CHANGE", "Payload": {}}')  # fmt: skip
    assert await bench.puller(EAGER, Told(), queue).look() == 1  # the search's
    assert len(queue.left) == 4
    assert len(bench.seen.troubles) == 4


async def test_an_order_shown_as_it_was_before_its_change_is_asked_for_again(bench: Bench) -> None:
    there = Told()
    changed = '"2026-11-20T10:30:00Z"'
    notice = (
        '{"NotificationType": "ORDER_CHANGE", "EventTime": ' + changed + ', "Payload": '
        '{"OrderChangeNotification": {"AmazonOrderId": "' + there.now["orderId"] + '", '
        '"OrderChangeType": "OrderStatusChange", '
        '"OrderChangeTrigger": {"TimeOfOrderChange": ' + changed + "}, "
        '"Summary": {"OrderStatus": "Unshipped"}}}}'
    )
    await bench.puller(LAZY, there, Shouting(notice)).look()
    (told,) = await bench.ledger.noticed(bench.channel, 10)
    assert told.problem == "Amazon shows this order as it was before the change"
    assert told.due_at > datetime.now(UTC) + timedelta(seconds=2)
    there.now["lastUpdatedTime"] = "2026-11-20T10:30:00Z"
    await bench.puller(EAGER, there, Silent()).look()  # a search saw it meanwhile
    assert await bench.ledger.noticed(bench.channel, 10) == []


def test_requests_are_signed_as_published() -> None:
    """The test suite of Signature Version 4 has this request as ``post-vanilla``."""
    key = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    for method, signature in (
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ):
        headers = signed(key, method, "/", {"host": "example.amazonaws.com"}, b"", at)
        assert headers["authorization"].endswith(f"Signature={signature}"), method
