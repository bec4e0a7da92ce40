"""Takes orders as they were pulled: what they say is compared with what was taken before.

The sentence the code follows: *an order that waits for its payment is not taken; one that may be
shipped is taken as it was sold; whatever a snapshot says beyond what was taken becomes a follow-up;
of two that find the same, the claim lets one through, and the other looks again.*
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from gateway.canonical.envelope import order_key
from gateway.canonical.order import Order
from gateway.channels.amazon import wire
from gateway.channels.amazon.followups import since_accepted
from gateway.channels.amazon.order import order_of
from gateway.channels.draft import Terms
from gateway.channels.known import FollowUp, Known, Memory
from gateway.channels.reading import Payload
from gateway.channels.submissions import (
    Accepts,
    Taken,
    What,
    body_of,
    follow_submission,
    order_submission,
)
from gateway.errors import BadRequest, IdempotencyClash, NotFound, OwnerUndecidable
from gateway.ports import Intake, Ledger

#: Looks before giving up: as many snapshots of one order would have to be taken meanwhile.
LOOKS_MAX: Final = 5
_RETRY_S: Final = 60
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller's account as configured; orders from before ``since`` are somebody else's."""

    channel: str
    terms: Terms
    since: datetime
    judge: Callable[[Order], None]


class AmazonIntake:
    """Takes the orders of all Amazon channels of an installation."""

    def __init__(self, acceptor: Accepts, buffer: Intake, ledger: Ledger) -> None:
        self._acceptor = acceptor
        self._memory = Memory(buffer, ledger)

    async def take(self, seller: Seller, payload: Payload) -> list[Taken]:
        """Take what a snapshot says; an empty list if that is nothing new, or nothing to book.

        Raises:
            BadRequest: it names no order.
            Unavailable: nothing can be said to be taken; a repeat is safe.
        """
        order_ref = wire.text(payload, "orderId", 35)
        if not order_ref:
            raise BadRequest("an order without orderId; it cannot be told from others")
        if wire.status(payload) in wire.WAITING:
            return []
        taken: list[Taken] = []
        for _ in range(LOOKS_MAX):
            known = await self._known(seller, payload, order_ref)
            try:
                if known is None:
                    if wire.status(payload) == wire.CANCELLED:
                        return taken  # never paid, never to be shipped: nobody has booked it
                    order, known = await self._order(seller, payload)
                    taken.append(order)
                    if order.replayed:
                        continue  # something may have followed the first of the two
                found = since_accepted(payload, known, seller.terms)
                for follow in found:
                    taken += await self._follow(seller, payload, order_ref, follow)
            except IdempotencyClash:
                continue  # somebody was quicker: what is left to say is another thing now
            return taken
        raise OwnerUndecidable(f"order {order_ref} changes faster than it can be read", _RETRY_S)

    async def _known(self, seller: Seller, payload: Payload, order_ref: str) -> Known | None:
        key = order_key(seller.channel, order_ref)
        said = await self._memory.said(key)
        order = said.get((seller.channel, "order.intake", order_ref))
        if order is not None:
            return Known(order.body, tuple(said.values()))
        placed = wire.instant(payload, "createdTime")
        old = placed is not None and placed < seller.since
        if old or await self._memory.owner(key):
            return Known({}, tuple(said.values()))
        return None

    async def _order(self, seller: Seller, payload: Payload) -> tuple[Taken, Known]:
        draft, received = order_of(payload, seller.terms, seller.judge), _received(payload)
        submission = order_submission(seller.channel, seller.terms, draft, received)
        receipt = await self._acceptor.accept(submission)
        what: What = "exception" if draft.problems else "order"
        taken = Taken(what, receipt.transaction_id, receipt.replayed)
        return taken, Known(body_of(draft, received))

    async def _follow(
        self, seller: Seller, payload: Payload, order_ref: str, follow: FollowUp
    ) -> list[Taken]:
        submission = follow_submission(
            seller.channel, seller.terms, order_ref, follow, _received(payload)
        )
        try:
            receipt = await self._acceptor.accept(submission)
        except NotFound:
            return []  # an old order that neither ERP has: there is nothing to cancel
        what: What = "exception" if follow.draft.problems else "cancellation"
        return [Taken(what, receipt.transaction_id, receipt.replayed)]


def _received(payload: Payload) -> str:
    return _encode(payload).decode()
