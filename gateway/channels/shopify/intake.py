"""Takes webhooks: what they say is compared with what was taken of the order before.

The sentence the code follows: *an order nobody has seen is taken as it was sold, whichever topic
brings it first; whatever a snapshot says beyond what was taken becomes a follow-up; of two that
find the same, the claim lets one through, and the other looks again; an order that waits for its
payment goes on when a snapshot says that it is paid.*
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.canonical.envelope import order_key
from gateway.canonical.order import Order
from gateway.channels.known import FollowUp, Known, Memory
from gateway.channels.shopify import wire
from gateway.channels.shopify.draft import Terms
from gateway.channels.shopify.followups import is_overtaken, refunded, since_accepted
from gateway.channels.shopify.order import is_paid, order_of
from gateway.channels.shopify.wire import Payload
from gateway.channels.submissions import (
    Accepts,
    Taken,
    What,
    body_of,
    follow_submission,
    order_submission,
)
from gateway.errors import BadRequest, IdempotencyClash, NotFound, OwnerUndecidable
from gateway.flow.accept import Submission
from gateway.flow.payment import Settles
from gateway.ports import Intake, Ledger

#: Looks before giving up: as many webhooks of one order would have to be taken meanwhile.
LOOKS_MAX: Final = 5

#: The one topic that comes for new orders only.
CREATED: Final = "orders/create"

_RETRY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop as configured; orders placed before ``since`` are somebody else's to bring."""

    channel: str
    terms: Terms
    since: datetime
    judge: Callable[[Order], None]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook whose signature is right; ``webhook_id`` is "" if none was sent."""

    topic: str
    webhook_id: str
    payload: Payload
    text: str


class ShopifyIntake:
    """Takes the webhooks of all shops of an installation."""

    def __init__(
        self, acceptor: Accepts, buffer: Intake, ledger: Ledger, payments: Settles
    ) -> None:
        self._acceptor = acceptor
        self._memory = Memory(buffer, ledger)
        self._payments = payments

    async def take(self, shop: Shop, delivery: Delivery) -> list[Taken]:
        """Take what a webhook says; an empty list if that is nothing new, or nothing to book.

        Raises:
            BadRequest: it names no order.
            Unavailable: nothing can be said to be taken; a repeat is safe.
        """
        payload = delivery.payload
        kind, _, event = delivery.topic.partition("/")
        if delivery.topic == "refunds/create":
            return await self._refund(shop, delivery, _order_ref(payload, "order_id"))
        # An edit says what was done, not how the order is: orders/updated, sent with it, does.
        if kind != "orders" or event in {"edited", "delete"} or payload.get("test") is True:
            return []
        return await self._snapshot(shop, delivery, _order_ref(payload, "id"))

    async def _snapshot(self, shop: Shop, delivery: Delivery, order_ref: str) -> list[Taken]:
        taken: list[Taken] = []
        for _ in range(LOOKS_MAX):
            known, now = await self._known(shop, delivery, order_ref), None
            try:
                if known is None:
                    now = order_of(delivery.payload, shop.terms, shop.judge)
                    submission = order_submission(
                        shop.channel, shop.terms, now, delivery.text,
                        key=delivery.webhook_id or None,
                    )  # fmt: skip
                    what: What = "exception" if now.problems else "order"
                    order = await self._accept(submission, what)
                    taken.append(order)
                    if order.replayed:
                        continue  # something may have followed the first of the two
                    known = Known(body_of(now, delivery.text))
                found = since_accepted(delivery.payload, known, shop.terms, now)
                taken += [await self._follow(shop, delivery, order_ref, it) for it in found]
                taken += await self._settle(shop, delivery.payload, known)
            except IdempotencyClash:
                continue  # somebody was quicker: what is left to say is another thing now
            return taken
        raise OwnerUndecidable(f"order {order_ref} changes faster than it can be read", _RETRY_S)

    async def _settle(self, shop: Shop, payload: Payload, known: Known) -> list[Taken]:
        """Tell who waits for it that an order taken before is paid."""
        of, said = known.transaction_id, is_paid(payload)
        if not (of and said and self._payments.concerns(shop.channel, shop.terms.legal_entity)):
            return []
        if is_overtaken(payload, known) or not await self._payments.paid(shop.channel, of):
            return []
        return [Taken("payment", of, replayed=False)]

    async def _refund(self, shop: Shop, delivery: Delivery, order_ref: str) -> list[Taken]:
        known = await self._known(shop, delivery, order_ref)
        if known is None:
            raise OwnerUndecidable(f"order {order_ref} was not taken yet", _RETRY_S)
        found = refunded(delivery.payload, known, shop.terms, shop.channel)
        return [await self._follow(shop, delivery, order_ref, it) for it in found]

    async def _known(self, shop: Shop, delivery: Delivery, order_ref: str) -> Known | None:
        """Return what was taken of an order, None if it was not.

        The claim is looked at first, then the buffer, which forgets only what the ledger has, then
        the ledger: so what is claimed is found. A new order whose claim is free asks nobody else.
        """
        key = order_key(shop.channel, order_ref)
        claimed = await self._memory.claimed(key, shop.channel, order_ref)
        if not claimed and delivery.topic == CREATED:
            return Known({}) if _is_old(shop, delivery.payload) else None
        said = await self._memory.said(key)
        order = said.get((shop.channel, "order.intake", order_ref))
        if order is not None:
            return Known(order.body, tuple(said.values()), order.transaction_id)
        if _is_old(shop, delivery.payload) or await self._memory.owner(key):
            return Known({}, tuple(said.values()))
        return None

    async def _follow(
        self, shop: Shop, delivery: Delivery, order_ref: str, follow: FollowUp
    ) -> Taken:
        what: What = "cancellation" if follow.process == "order.cancellation" else "return"
        submission = follow_submission(shop.channel, shop.terms, order_ref, follow, delivery.text)
        try:
            return await self._accept(submission, "exception" if follow.draft.problems else what)
        except NotFound as error:
            # It may still come: Shopify asks again for four hours.
            raise OwnerUndecidable(error.detail, _RETRY_S) from None

    async def _accept(self, submission: Submission, what: What) -> Taken:
        receipt = await self._acceptor.accept(submission)
        return Taken(what, receipt.transaction_id, receipt.replayed)


def _order_ref(payload: Payload, name: str) -> str:
    number = wire.number(payload, name)
    if number is None or not 0 < number < 10**19:
        raise BadRequest(f"{name} is no id of an order; send the resource as Shopify does")
    return str(number)


def _is_old(shop: Shop, payload: Payload) -> bool:
    """Say whether an order is from before; a refund does not tell when its order was placed."""
    placed = wire.instant(payload, "created_at") if "line_items" in payload else None
    return placed is not None and placed < shop.since
