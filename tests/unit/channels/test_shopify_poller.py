"""A shop is polled for what its webhooks did not bring: each once, whatever happens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import httpx
import pytest

from gateway.callers.shopify.orders import PAGE, ShopifyOrders
from gateway.canonical.envelope import Envelope
from gateway.channels.polling import AGAIN_S, Poller
from gateway.channels.reading import read
from gateway.channels.searching import Search, Terms
from gateway.channels.shopify.draft import Terms as Booking
from gateway.channels.shopify.intake import Shop, ShopifyIntake
from gateway.channels.shopify.polled import PolledShop
from gateway.clock import SystemClock
from gateway.ports import Ledger
from gateway.store.ledger import SqlLedger
from tests.unit.api.world import World
from tests.unit.channels.amazon_bench import Seen
from tests.unit.channels.shopify_payloads import ORDER_ID, order
from tests.unit.flow.doubles import StillClock
from tests.unit.simulators.shops import RunningShop, shop

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_NUMBERS = count(1)


class Ticking(StillClock):
    """The machine's wall time, and a monotonic clock that a pause moves on."""

    def now(self) -> datetime:
        return SystemClock().now()


@dataclass
class Bench:
    """A gateway's parts before a shop whose webhooks nobody takes."""

    there: RunningShop
    world: World
    ledger: SqlLedger
    client: httpx.AsyncClient
    channel: str
    clock: Ticking
    seen: Seen

    def poller(self, token: str = "", poll_s: float = 0.0) -> Poller:
        it = self.there.options
        orders = ShopifyOrders(self.there.url, token or it.access_token, self.client, self.clock)
        terms = Terms(poll_s, 60.0)
        search = Search(self.channel, LONG_AGO, terms, orders, self.ledger, self.clock)
        return Poller(self.polled(), search, self.seen, self.clock)

    def polled(self) -> PolledShop:
        intake = ShopifyIntake(
            self.world.services().acceptor,
            self.world.buffer,
            cast("Ledger", self.world.ledger),
            self.world.payments,
        )
        booking = Booking("NL01", "NL", "GUEST")
        mine = Shop(self.channel, booking, LONG_AGO, lambda _: None)
        return PolledShop(mine, intake, self.seen)

    def taken(self, process: str = "order.intake") -> dict[str, dict[str, Any]]:
        found = [
            Envelope.model_validate_json(it.payload) for it in self.world.buffer.entries.values()
        ]
        mine = [it for it in found if it.process == process]
        assert len({it.reference for it in mine}) == len(mine), "each once"
        return {it.reference: it.body for it in mine}


@asynccontextmanager
async def polled(there: RunningShop, ledger: SqlLedger) -> AsyncIterator[Bench]:
    async with httpx.AsyncClient(timeout=10) as client:
        name = f"shop-{next(_NUMBERS)}"
        yield Bench(there, World(), ledger, client, name, Ticking(), Seen())


async def test_what_no_webhook_brought_is_taken_once_and_what_followed_it(
    ledger: SqlLedger,
) -> None:
    with shop() as there:
        async with polled(there, ledger) as bench:
            orders = [there.place(lines={"TEE-BLK-M": 3})[0] for _ in range(3)]
            poller = bench.poller()
            assert await poller.look() == 3
            assert await poller.look() == 0
            assert bench.taken().keys() == {str(it["id"]) for it in orders}
            there.act(orders[0]["id"], "cancel")
            there.act(orders[1]["id"], "refund", quantity=1)
            assert await poller.look() == 2
            assert await poller.look() == 0
            assert len(bench.taken("order.cancellation")) == 1
            assert len(bench.taken("return.credit")) == 1
            assert bench.seen.wholes == []
            odd = {**order(), "moon": {"phase": "full", "at": 1.5}, "source_name": None}
            assert await bench.polled().take(read(json.dumps(odd).encode())) == 1
            (kept,) = bench.seen.wholes
            assert (kept.reference, json.loads(kept.text)) == (str(ORDER_ID), odd)
            assert set(kept.found) == {"field:moon", "null:source_name"}


async def test_pages_are_followed_within_the_call_limit(ledger: SqlLedger) -> None:
    with shop(bucket=4) as there:
        there.place(count=2 * PAGE + 10)
        async with polled(there, ledger) as bench:
            assert await bench.poller().look() == 2 * PAGE + 10
            assert there.counters()["throttled_429"] == 0
            kept = await ledger.pull(bench.channel)
            assert kept is not None
            assert (kept.page, (datetime.now(UTC) - kept.until).total_seconds() < 60) == ("", True)


async def test_a_refusal_is_told_and_tried_again_after_a_pause(ledger: SqlLedger) -> None:
    with shop() as there:
        there.place(lines={"TEE-BLK-M": 1})
        async with polled(there, ledger) as bench:
            wrong = bench.poller(token="shpat_of_another_shop")
            assert await wrong.look() == 0
            (told,) = bench.seen.troubles
            assert told.startswith(f"poll {bench.channel}: orders.json: 401; check access_token")
            there.fault("throttle", count=1)
            poller = bench.poller()
            assert await poller.look() == 0, "the shop asks for a pause"
            assert await poller.look() == 0, "and gets one"
            await bench.clock.sleep(AGAIN_S)
            assert await poller.look() == 1


async def test_between_two_polls_nobody_asks(ledger: SqlLedger) -> None:
    with shop() as there:
        async with polled(there, ledger) as bench:
            poller = bench.poller(poll_s=300.0)
            await poller.look()
            there.place(lines={"TEE-BLK-M": 1})
            assert await poller.look() == 0
            assert await bench.poller(poll_s=0.0).look() == 1
