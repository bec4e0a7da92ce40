"""Looks for what a channel's webhooks did not bring.

A sender of webhooks gives a delivery up after some attempts, and may lose one without any. So every
few minutes what changed since is read and given to the intake as if webhooks had brought it: what
was taken before says nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from gateway.channels.reading import Payload
from gateway.channels.searching import Search
from gateway.clock import Clock
from gateway.errors import BadRequest, MarketUnavailable, OwnerUndecidable
from gateway.ports.marketplaces import PullObserver

#: What cannot be decided now is tried as long as Shopify itself would send it again.
PATIENCE: Final = timedelta(hours=4)
#: Pause after a round that failed.
AGAIN_S: Final = 30.0


class Polled(Protocol):
    """What is found by a poll, and how it is taken."""

    @property
    def channel(self) -> str: ...

    async def take(self, found: Payload) -> int:
        """Take one as it is now; return what of it no webhook had brought.

        Raises:
            BadRequest: nobody can say what it is.
            OwnerUndecidable: it cannot be taken now.
        """
        ...

    def changed_at(self, found: Payload) -> datetime | None:
        """Return when it was last changed."""
        ...


class Poller:
    """Polls one channel. One process does it at a time; if two do, no harm is done."""

    def __init__(
        self, polled: Polled, search: Search, observer: PullObserver, clock: Clock
    ) -> None:
        self.channel = polled.channel
        self._polled = polled
        self._search = search
        self._observer = observer
        self._clock = clock
        self._not_before_s = float("-inf")

    async def look(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Poll if it is time; return what was taken that no webhook had brought."""
        if not go_on() or self._clock.monotonic_s() < self._not_before_s:
            return 0
        try:
            taken = await self._search.run(self._page)
        except MarketUnavailable as error:
            self._not_before_s = self._clock.monotonic_s() + AGAIN_S
            self._observer.trouble(f"poll {self.channel}", error)
            await self._search.say(error.detail)
            return 0
        await self._search.say("")
        return taken

    async def _page(self, found: Sequence[Payload]) -> int:
        """Take a page; what cannot be decided stops nothing else of it."""
        taken, undecided = 0, ""
        for it in found:
            try:
                taken += await self._polled.take(it)
            except BadRequest as error:
                self._observer.trouble(f"poll {self.channel}", error)
            except OwnerUndecidable as error:
                if self._is_young(it):
                    undecided = error.detail
                else:
                    self._observer.trouble(f"poll {self.channel}, given up", error)
        if undecided:  # the page is not counted as taken, and comes again
            raise MarketUnavailable(undecided)
        return taken

    def _is_young(self, found: Payload) -> bool:
        changed = self._polled.changed_at(found)
        return changed is None or self._clock.now() - changed < PATIENCE
