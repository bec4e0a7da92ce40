"""Goes over all that changed at a marketplace since the last time, page by page.

The sentence the code follows: *a search begins an overlap before the end of the last one; how far
it got is written down behind each page that was taken; one that may only look at some days at once
goes on with the next until it is in the present.* Whoever goes on after a crash continues
with the page that was not taken; whatever comes twice says nothing new to the intake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.canonical.exchange.pulling import NO_INSTANT, OrderPage, Pull, is_due
from gateway.channels.reading import Payload
from gateway.clock import Clock
from gateway.errors import BadRequest, MarketUnavailable
from gateway.ports.marketplaces import Pulls, Searches

#: A search that ends so long ago, and came so far, was cut off by the days one may look at.
STRIDE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a channel is searched: pause between two searches, and their overlap."""

    poll_s: float
    overlap_s: float


class Search:
    """The searches of one channel; changes from before ``since`` are not asked for."""

    def __init__(
        self,
        channel: str,
        since: datetime,
        terms: Terms,
        orders: Searches,
        pulls: Pulls,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._since = since
        self._terms = terms
        self._orders = orders
        self._pulls = pulls
        self._clock = clock

    async def pull(self) -> Pull:
        """Return how far the channel is."""
        return await self._pulls.pull(self._channel) or Pull(self._channel, NO_INSTANT)

    async def say(self, problem: str) -> bool:
        """Keep what stands in its way, "" for nothing; return whether that is news."""
        pull = await self.pull()
        if pull.problem == problem:
            return False
        await self._pulls.keep_pull(replace(pull, problem=problem))
        return True

    async def run(self, take: Callable[[Sequence[Payload]], Awaitable[int]]) -> int:
        """Search if it is time, or one was cut off; return how much was taken.

        ``take`` gets a page. If it raises, the page is not counted as taken and comes again.
        """
        pull = await self.pull()
        if not (pull.page or is_due(pull, self._terms.poll_s, self._clock.now())):
            return 0
        taken = 0
        while True:
            page = await self._page(pull)
            taken += await take(page.orders)
            before, pull = pull, await self._keep(page)
            if not (pull.page or self._is_behind(before, pull)):
                return taken

    def _is_behind(self, before: Pull, pull: Pull) -> bool:
        far = self._clock.now() - pull.until >= STRIDE
        return far and pull.until - max(before.until, self._since) >= STRIDE

    async def _page(self, pull: Pull) -> OrderPage:
        overlap = timedelta(seconds=self._terms.overlap_s)
        after = max(pull.until - overlap, self._since)
        try:
            return await self._orders.search(after, pull.page)
        except BadRequest as error:
            if not pull.page:
                raise MarketUnavailable(error.detail) from None
            # The token is too old: begin anew. Nothing was counted as done that was not.
            await self._pulls.keep_pull(replace(await self.pull(), page="", page_until=None))
            raise MarketUnavailable(f"{error.detail}; the search begins anew") from None

    async def _keep(self, page: OrderPage) -> Pull:
        """Write down how far the search is, behind a page that was taken."""
        pull = await self.pull()  # again: the calls since may have changed it
        until = pull.page_until or page.until
        if page.token:
            pull = replace(pull, page=page.token, page_until=until)
        else:
            reached: datetime = max(pull.until, until or pull.until)
            pull = replace(
                pull, until=reached, page="", page_until=None, polled_at=self._clock.now()
            )
        await self._pulls.keep_pull(pull)
        return pull
