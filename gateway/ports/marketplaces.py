"""A marketplace whose orders are pulled: what it is asked, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.canonical.exchange.drifting import Surprise, Whole
from gateway.canonical.exchange.pulling import Noticed, OrderPage, Pull, QueueMessage


class Searches(Protocol):
    """Orders that changed, as a marketplace tells them.

    Every call raises :class:`~gateway.errors.MarketUnavailable` if it is not answered.
    """

    async def search(self, after: datetime, page: str) -> OrderPage:
        """Return the orders changed since ``after``, or the page a token continues with.

        Raises:
            BadRequest: the marketplace does not know the token (any more).
        """
        ...


class Orders(Searches, Protocol):
    """Orders that changed, and single ones."""

    async def order(self, order_ref: str) -> Mapping[str, Any] | None:
        """Return one order, None if there is none."""
        ...


class NoticeQueue(Protocol):
    """A queue of notifications: in no order, and each at least once until it is deleted.

    Every call raises :class:`~gateway.errors.MarketUnavailable` if it is not answered.
    """

    async def receive(self) -> Sequence[QueueMessage]:
        """Return some messages; wait a moment if there are none."""
        ...

    async def delete(self, receipts: Sequence[str]) -> None:
        """Delete what was received under these receipts."""
        ...


class Pulls(Protocol):
    """What is kept of pulling, durably."""

    async def pull(self, channel: str) -> Pull | None:
        """Return how far a channel is, None before its first pull."""
        ...

    async def keep_pull(self, pull: Pull) -> None:
        """Write down how far a channel is."""
        ...

    async def notice(self, found: Sequence[Noticed]) -> None:
        """Keep what notifications told; of two of one order, the one that tells of the newer."""
        ...

    async def noticed(self, channel: str, count: int) -> Sequence[Noticed]:
        """Return what is still to be asked for, the longest due first."""
        ...

    async def settle_notice(self, channel: str, order_ref: str, as_of: datetime) -> None:
        """Forget an order that was taken as of then, unless something newer was told meanwhile."""
        ...

    async def put_off(self, found: Noticed, due_at: datetime, problem: str) -> None:
        """Ask for an order again later, and say why."""
        ...


class Duties(Protocol):
    """Gives each duty to one process."""

    async def is_on(self, duty: str, holder: str, for_ms: int) -> bool:
        """Go on a duty, or stay on it; False while somebody else is."""
        ...


class PullObserver(Protocol):
    """Told of what happens while pulling; never fails and never waits."""

    def drifted(self, channel: str, payload: str, surprise: Surprise) -> None:
        """A marketplace sent what nobody announced, in an ``order`` or another ``payload``."""
        ...

    def surprised(
        self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int = 0
    ) -> None:
        """These payloads are what something of that stood in; ``left_out`` more are not held."""
        ...

    def trouble(self, where: str, error: BaseException) -> None:
        """Something failed that nobody was waiting for."""
        ...
