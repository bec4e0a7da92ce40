"""What pulls the orders and settlements of marketplaces, put together for one gateway process.

Gateways do it, not workers: pulling is accepting, and they look already whether they may accept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, Protocol

import httpx

from gateway.api.auth import Channel
from gateway.api.checks import Checks
from gateway.api.shopify_hooks import shop_of
from gateway.callers.amazon.api import Account
from gateway.callers.amazon.login import Credentials
from gateway.callers.amazon.orders import AmazonOrders
from gateway.callers.amazon.queue import AmazonQueue
from gateway.callers.amazon.reports import AmazonReports
from gateway.callers.amazon.signing import Key
from gateway.callers.loop.returns import LoopReturns
from gateway.callers.shopify.orders import ShopifyOrders
from gateway.channels.amazon import settling, wire
from gateway.channels.amazon.intake import AmazonIntake, Seller
from gateway.channels.amazon.puller import Puller
from gateway.channels.amazon.settling import SettlementFetcher
from gateway.channels.draft import Terms as Booking
from gateway.channels.loop.intake import LoopIntake, Platform
from gateway.channels.loop.polled import PolledPlatform
from gateway.channels.polling import Poller
from gateway.channels.searching import Search, Terms
from gateway.channels.shopify.intake import ShopifyIntake
from gateway.channels.shopify.polled import PolledShop
from gateway.flow.calls import Caller
from gateway.settings.amazon import AmazonSettings
from gateway.settings.loop import LoopSettings
from gateway.settings.shopify import ShopifySettings
from gateway.store.redis.duties import RedisDuties
from gateway.taking import acceptor, payments
from gateway.wiring import Parts

#: Longest wait for an answer of Amazon's; searches of 100 orders take seconds.
ANSWER_S: Final = 30.0
#: How long somebody silent keeps the duty of a channel, and between two renewals.
DUTY_MS: Final = 6_000
RENEW_S: Final = 1.5
#: Pause between two rounds.
PULL_S: Final = 1.0


class Pulled(Protocol):
    """A channel that is pulled."""

    @property
    def channel(self) -> str: ...

    async def look(self, go_on: Callable[[], bool] = ...) -> int:
        """Do one round; ``go_on`` says whether this process still has the duty."""
        ...


class Pulling:
    """All pulled channels; each is pulled by the process that has its duty."""

    def __init__(self, pullers: Sequence[Pulled], duties: RedisDuties, holder: str) -> None:
        self.pullers = tuple(pullers)
        self._duties = duties
        self._holder = holder

    async def look(self) -> None:
        """Do one round of every channel whose duty this process has."""
        done = await asyncio.gather(*map(self._one, self.pullers), return_exceptions=True)
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure

    async def _one(self, puller: Pulled) -> None:
        duty = f"pull-{puller.channel}"
        if not await self._duties.is_on(duty, self._holder, DUTY_MS):
            return
        renewing = asyncio.create_task(self._renew(duty))
        try:
            await puller.look(lambda: not renewing.done())
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _renew(self, duty: str) -> None:
        """Stay on duty through calls that take longer; end when it is lost."""
        while True:
            await asyncio.sleep(RENEW_S)
            if not await self._duties.is_on(duty, self._holder, DUTY_MS):
                return


def pulling(parts: Parts, holder: str, stack: AsyncExitStack) -> Pulling:
    """Put it together; connections close with ``stack``."""
    caller = Caller(parts.quotas, parts.clock, parts.windows)
    taking = acceptor(parts, caller)
    sold = AmazonIntake(taking, parts.intake, parts.ledger)
    shops = ShopifyIntake(taking, parts.intake, parts.ledger, payments(parts))
    returned = LoopIntake(taking, parts.intake, parts.ledger)
    pullers: list[Pulled] = []
    for name, channel in parts.settings.channels.items():
        if channel.amazon is not None:
            pullers.append(_puller(parts, name, channel.amazon, sold, stack))
            if channel.amazon.settlements is not None:
                pullers.append(_fetcher(parts, name, channel.amazon, stack))
        if channel.shopify is not None and channel.shopify.poll is not None:
            pullers.append(_poller(parts, name, channel.shopify, shops, stack))
        if channel.loop is not None and channel.loop.poll is not None:
            pullers.append(_returns(parts, name, channel.loop, returned, stack))
    return Pulling(pullers, RedisDuties(parts.client), holder)


def _account(it: AmazonSettings, kept_as: str) -> Account:
    credentials = Credentials(
        it.client_id, it.client_secret.get_secret_value(), it.refresh_token.get_secret_value()
    )
    return Account(kept_as, it.endpoint, it.token_url, credentials, it.marketplaces, wire.DATA)


def _fetcher(
    parts: Parts, name: str, it: AmazonSettings, stack: AsyncExitStack
) -> SettlementFetcher:
    assert it.settlements is not None  # noqa: S101 -- only accounts whose reports are fetched
    client = httpx.AsyncClient(timeout=ANSWER_S)
    stack.push_async_callback(client.aclose)
    account, ledger = _account(it, settling.key_of(name)), parts.ledger
    return SettlementFetcher(
        settling.Account(name, it.since, it.settlements.poll_s),
        AmazonReports(account, name, client, ledger, parts.clock),
        (ledger, ledger, ledger), parts.auditor, parts.observer, parts.clock,
    )  # fmt: skip


def _puller(
    parts: Parts, name: str, it: AmazonSettings, intake: AmazonIntake, stack: AsyncExitStack
) -> Puller:
    client = httpx.AsyncClient(timeout=ANSWER_S)
    stack.push_async_callback(client.aclose)
    account = _account(it, name)
    queue = None
    if it.queue is not None:
        secret = it.queue.secret_key.get_secret_value()
        key = Key(it.queue.access_key, secret, it.queue.region, "sqs")
        queue = AmazonQueue(it.queue.url, key, client, parts.clock, it.queue.wait_s)
    checks = Checks(parts.settings, parts.clock)
    channel = Channel(name, frozenset(), (it.legal_entity,))
    booking = Booking(it.legal_entity, it.country, it.customer)
    return Puller(
        Seller(name, booking, it.since, partial(checks.order, channel)),
        Terms(it.poll_s, it.overlap_s),
        (AmazonOrders(account, client, parts.ledger, parts.clock), queue),
        parts.ledger, intake, parts.observer, parts.clock,
    )  # fmt: skip


def _poller(
    parts: Parts, name: str, it: ShopifySettings, intake: ShopifyIntake, stack: AsyncExitStack
) -> Poller:
    poll = it.poll
    assert poll is not None  # noqa: S101 -- only shops that are polled get here
    client = httpx.AsyncClient(timeout=ANSWER_S)
    stack.push_async_callback(client.aclose)
    url = poll.url or f"https://{it.domain}"
    orders = ShopifyOrders(url, poll.access_token.get_secret_value(), client, parts.clock)
    terms = Terms(poll.poll_s, poll.overlap_s)
    search = Search(name, it.since, terms, orders, parts.ledger, parts.clock)
    channel = Channel(name, frozenset(), (it.legal_entity,))
    shop = shop_of(Checks(parts.settings, parts.clock), channel, it)
    return Poller(PolledShop(shop, intake, parts.observer), search, parts.observer, parts.clock)


def _returns(
    parts: Parts, name: str, it: LoopSettings, intake: LoopIntake, stack: AsyncExitStack
) -> Poller:
    poll = it.poll
    assert poll is not None  # noqa: S101 -- only platforms that are polled get here
    client = httpx.AsyncClient(timeout=ANSWER_S)
    stack.push_async_callback(client.aclose)
    returns = LoopReturns(poll.url, poll.api_key.get_secret_value(), client, parts.clock)
    terms = Terms(poll.poll_s, poll.overlap_s)
    search = Search(name, poll.since, terms, returns, parts.ledger, parts.clock)
    polled = PolledPlatform(
        Platform(name, it.legal_entity, it.order_channel, it.goods_came), intake, parts.observer
    )
    return Poller(polled, search, parts.observer, parts.clock)
