"""A gateway's parts before the simulated marketplace, and marketplaces that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import httpx

from gateway.callers.amazon.api import Account
from gateway.callers.amazon.login import Credentials
from gateway.callers.amazon.orders import AmazonOrders
from gateway.callers.amazon.queue import AmazonQueue
from gateway.callers.amazon.signing import Key
from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange.drifting import Surprise, Whole
from gateway.canonical.exchange.pulling import OrderPage, QueueMessage
from gateway.channels.amazon import wire
from gateway.channels.amazon.intake import AmazonIntake, Seller
from gateway.channels.amazon.puller import Puller
from gateway.channels.draft import Terms as Booking
from gateway.channels.searching import Terms
from gateway.clock import SystemClock
from gateway.errors import MarketUnavailable
from gateway.observe.drifts import DriftTally
from gateway.ports import Ledger
from gateway.ports.marketplaces import NoticeQueue, Orders
from gateway.store.ledger import SqlLedger
from tests.unit.api.world import World
from tests.unit.channels.amazon_payloads import order as payload_of
from tests.unit.simulators.markets import RunningMarket

_NUMBERS = count(1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
#: At least one search in each round, over everything.
EAGER = Terms(poll_s=0.0, overlap_s=300.0)
#: No search but the first.
LAZY = Terms(poll_s=3600.0, overlap_s=300.0)


class Seen:
    """Told of what happens."""

    def __init__(self) -> None:
        self.drifts: list[str] = []
        self.tally = DriftTally()
        self.wholes: list[Whole] = []
        self.troubles: list[str] = []

    def drifted(self, channel: str, payload: str, surprise: Surprise) -> None:
        self.drifts.append(f"{payload} {surprise.found}")
        self.tally.note(channel, payload, surprise)

    def surprised(
        self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int = 0
    ) -> None:
        self.wholes += wholes
        self.tally.keep(channel, payload, wholes, left_out)

    def trouble(self, where: str, error: BaseException) -> None:
        self.troubles.append(f"{where}: {error}")


class Bench:
    """A gateway's parts before a marketplace; any number of pullers over one ledger."""

    def __init__(self, there: RunningMarket, ledger: SqlLedger, client: httpx.AsyncClient) -> None:
        self.there = there
        self.ledger = ledger
        self.world = World()
        self.seen = Seen()
        self.client = client
        self.clock = SystemClock()
        self.channel = f"amazon-{next(_NUMBERS)}"  # the ledger is shared: opening one takes long

    def orders(self) -> AmazonOrders:
        it = self.there.options
        account = Account(
            self.channel, self.there.url, f"{self.there.url}/auth/o2/token",
            Credentials(it.client_id, it.client_secret, it.refresh_token), (it.marketplace,),
            wire.DATA,
        )  # fmt: skip
        return AmazonOrders(account, self.client, self.ledger, self.clock)

    def queue(self, secret: str = "") -> AmazonQueue:
        it = self.there.options
        key = Key(it.queue_key, secret or it.queue_secret, "eu-west-1", "sqs")
        url = f"{self.there.url}/000000000000/order-changes"
        return AmazonQueue(url, key, self.client, self.clock, 0)

    def puller(
        self, terms: Terms = LAZY, orders: Orders | None = None, queue: NoticeQueue | None = None
    ) -> Puller:
        services = self.world.services()
        intake = AmazonIntake(
            services.acceptor, self.world.buffer, cast("Ledger", self.world.ledger)
        )
        seller = Seller(self.channel, Booking("NL01", "NL", "AMAZON"), LONG_AGO, lambda _: None)
        market = (orders or self.orders(), queue or self.queue())
        return Puller(seller, terms, market, self.ledger, intake, self.seen, self.clock)

    def taken(self, process: str = "order.intake") -> dict[str, dict[str, Any]]:
        """What was accepted, by reference."""
        found = [
            Envelope.model_validate_json(it.payload) for it in self.world.buffer.entries.values()
        ]
        mine = [it for it in found if it.process == process]
        assert len({it.reference for it in mine}) == len(mine), "each once"
        return {it.reference: it.body for it in mine}


@asynccontextmanager
async def a_bench(there: RunningMarket, ledger: SqlLedger) -> AsyncIterator[Bench]:
    async with httpx.AsyncClient(timeout=10, verify=False) as client:
        yield Bench(there, ledger, client)


class Breaking:
    """The orders of a marketplace that goes away after some pages."""

    def __init__(self, orders: Orders, pages: int) -> None:
        self._orders = orders
        self._pages = pages

    async def search(self, after: datetime, page: str) -> OrderPage:
        if self._pages == 0:
            raise MarketUnavailable("gone away")
        self._pages -= 1
        return await self._orders.search(after, page)

    async def order(self, order_ref: str) -> Mapping[str, Any] | None:
        raise MarketUnavailable(f"gone away before {order_ref}")


class Silent:
    """A queue without messages."""

    async def receive(self) -> Sequence[QueueMessage]:
        return []

    async def delete(self, receipts: Sequence[str]) -> None:
        raise AssertionError(f"nothing was received: {receipts}")


class Forgetful(Silent):
    """A queue whose messages are received, and whose deletion fails."""

    def __init__(self, queue: NoticeQueue) -> None:
        self._queue = queue

    async def receive(self) -> Sequence[QueueMessage]:
        return await self._queue.receive()

    async def delete(self, receipts: Sequence[str]) -> None:
        raise MarketUnavailable(f"{len(receipts)} not deleted")


class Single:
    """Single orders only: searches are another test's."""

    def __init__(self, orders: AmazonOrders) -> None:
        self._orders = orders

    async def search(self, after: datetime, page: str) -> OrderPage:
        return OrderPage((), page, after)

    async def order(self, order_ref: str) -> Mapping[str, Any] | None:
        return await self._orders.order(order_ref)


class Told:
    """A marketplace that has one order, told as a test likes it."""

    def __init__(self, **change: Any) -> None:
        self.now = payload_of() | change

    async def search(self, after: datetime, page: str) -> OrderPage:
        return OrderPage((self.now,), "", datetime.now(UTC))

    async def order(self, order_ref: str) -> Mapping[str, Any] | None:
        return self.now if order_ref == self.now["orderId"] else None


class Shouting(Silent):
    """A queue of the messages it was given; what was deleted is gone."""

    def __init__(self, *bodies: str) -> None:
        self.left = dict(enumerate(bodies))

    async def receive(self) -> Sequence[QueueMessage]:
        return [QueueMessage(str(at), body) for at, body in self.left.items()]

    async def delete(self, receipts: Sequence[str]) -> None:
        for it in receipts:
            del self.left[int(it)]
