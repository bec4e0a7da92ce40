"""Pulls a seller's orders: notifications tell which, a search finds what they missed.

The sentence the code follows: *what a notification tells is written down before it is deleted;
each order it tells of is asked for, as often as the rate allows; a search goes over all changes
since the last one, with an overlap, and how far it got is written down behind each page.* Whatever
comes twice, late or in another order says nothing new to the intake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway.canonical.exchange.drifting import Surprise, Whole
from gateway.canonical.exchange.pulling import NO_INSTANT, Noticed
from gateway.channels.amazon import wire
from gateway.channels.amazon.intake import AmazonIntake, Seller
from gateway.channels.amazon.notices import change_of, noticed
from gateway.channels.amazon.order import fulfilled_by
from gateway.channels.drifting import as_text, surprises, whole
from gateway.channels.reading import Payload
from gateway.channels.searching import Search, Terms
from gateway.clock import Clock
from gateway.errors import BadRequest, MarketUnavailable, OwnerUndecidable
from gateway.ports.marketplaces import NoticeQueue, Orders, PullObserver, Pulls

#: Orders asked for in one round; the next round may be another process's.
ASKED_AT_ONCE: Final = 20
#: Calls to the queue in one round.
RECEIVED_AT_ONCE: Final = 10
_LATER_S: Final = (5.0, 30.0, 120.0, 600.0)


class Puller:
    """Pulls one channel. One process does it at a time; if two do, no harm is done."""

    def __init__(
        self,
        seller: Seller,
        terms: Terms,
        market: tuple[Orders, NoticeQueue | None],
        pulls: Pulls,
        intake: AmazonIntake,
        observer: PullObserver,
        clock: Clock,
    ) -> None:
        self.channel = seller.channel
        self._seller = seller
        self._orders, self._queue = market
        self._searching = Search(seller.channel, seller.since, terms, self._orders, pulls, clock)
        self._pulls = pulls
        self._intake = intake
        self._observer = observer
        self._clock = clock

    async def look(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Do one round; return how many orders, cancellations and exceptions were taken.

        What fails is told, kept with the channel, and done again in a later round. ``go_on`` is
        asked between two steps.
        """
        taken, problems = 0, []
        for step in (self._listen, self._ask, self._search):
            if not go_on():
                break
            try:
                taken += await step()
            except MarketUnavailable as error:
                problems.append(error.detail)
        problem = "; ".join(problems)
        if await self._searching.say(problem) and problem:
            self._observer.trouble(f"pull {self.channel}", MarketUnavailable(problem))
        return taken

    # ------------------------------------------------------------------ notifications

    async def _listen(self) -> int:
        """Write down what notifications tell, then delete them."""
        if self._queue is None:
            return 0
        for _ in range(RECEIVED_AT_ONCE):
            messages = await self._queue.receive()
            told: dict[str, Noticed] = {}
            done = []
            for message in messages:
                try:
                    found = self._told(message.body)
                except BadRequest as error:
                    # Left where it is: the queue's own dead-letter policy takes it out.
                    self._observer.trouble(f"notification of {self.channel}", error)
                    continue
                done.append(message.receipt)
                before = told.get(found.order_ref)
                if before is None or before.changed_at <= found.changed_at:
                    told[found.order_ref] = found
            if told:
                await self._pulls.notice(list(told.values()))
            if done:
                await self._queue.delete(done)
            if len(done) < len(messages) or not messages:
                break
        return 0

    def _told(self, body: str) -> Noticed:
        message, change = change_of(body)
        name = wire.text(change, "AmazonOrderId", 40)
        found = surprises(change, wire.notice_drift(change), name)
        if found:
            self._drifted("notification", whole(name, found, body), found)
        return noticed(message, change, self.channel, self._clock.now())

    def _drifted(self, payload: str, it: Whole, found: Sequence[Surprise]) -> None:
        for each in found:
            self._observer.drifted(self.channel, payload, each)
        self._observer.surprised(self.channel, payload, [it])

    # ------------------------------------------------------------------ single orders

    async def _ask(self) -> int:
        """Ask for orders that were told of; those that wait for a payment are not asked for."""
        taken = 0
        for told in await self._pulls.noticed(self.channel, ASKED_AT_ONCE):
            if told.due_at > self._clock.now():
                break
            if told.status in wire.WAITING and not told.tries:
                # The next notification says when it is paid; if that is lost, a search does.
                await self._pulls.put_off(told, self._clock.now() + timedelta(days=1), "")
                continue
            order = await self._orders.order(told.order_ref)
            if order is None:
                await self._put_off(told, "Amazon does not know this order (yet)")
                continue
            taken += await self._take(order, told)
        return taken

    async def _take(self, order: Payload, told: Noticed | None) -> int:
        """Take an order; one that cannot be taken now is asked for again, and stops no other."""
        name = wire.text(order, "orderId", 40)
        found = surprises(order, wire.drift(order), name)
        if found:
            self._drifted("order", whole(name, found, as_text(order)), found)
        order_ref = wire.text(order, "orderId", 35)
        as_of = wire.instant(order, "lastUpdatedTime") or NO_INSTANT
        if wire.status(order) in wire.WAITING:
            if told is not None:
                await self._put_off(told, "it waits for its payment")
            return 0
        try:
            taken = await self._intake.take(self._seller, order)
        except BadRequest as error:
            self._observer.trouble(f"order of {self.channel}", error)
            return 0
        except OwnerUndecidable as error:
            await self._put_off(told or await self._note(order, order_ref, as_of), error.detail)
            return 0
        if told is not None and as_of < told.changed_at and told.tries < len(_LATER_S):
            await self._put_off(told, "Amazon shows this order as it was before the change")
            return len(taken)
        newest = as_of if told is None else max(as_of, told.changed_at)
        await self._pulls.settle_notice(self.channel, order_ref, newest)
        return len(taken)

    async def _note(self, order: Payload, order_ref: str, as_of: datetime) -> Noticed:
        """Keep an order that a search found, so that it is asked for again."""
        now = self._clock.now()
        by = fulfilled_by(order)
        kept = Noticed(self.channel, order_ref, as_of, wire.status(order), by, (), now, now)
        await self._pulls.notice([kept])
        return kept

    async def _put_off(self, told: Noticed, problem: str) -> None:
        wait_s = _LATER_S[min(told.tries, len(_LATER_S) - 1)]
        due_at = self._clock.now() + timedelta(seconds=wait_s)
        await self._pulls.put_off(told, due_at, problem)

    async def _search(self) -> int:
        return await self._searching.run(self._page)

    async def _page(self, orders: Sequence[Payload]) -> int:
        return sum([await self._take(order, None) for order in orders])
