"""What happened to an order since it was accepted: cancelled, all of it or some pieces.

A snapshot says how an order is. What is derived is the difference to all that was taken of it
before: a repeat, or one that was overtaken, then says nothing new. That a buyer *asks* for a
cancellation is none: the seller answers that, and the next snapshot says what came of it.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.canonical.envelope import OrderCancellation
from gateway.channels.amazon import wire
from gateway.channels.draft import Draft, Terms
from gateway.channels.known import REDUCED, FollowUp, Known
from gateway.channels.reading import Payload, number

WHOLE: Final = "cancelled"


def since_accepted(payload: Payload, known: Known, terms: Terms) -> list[FollowUp]:
    """Return what a snapshot says that was not taken yet.

    Pieces only ever go, and a cancelled order stays so: what an older snapshot says of them was
    said already, and no clock has to be believed.
    """
    if known.is_whole_cancelled:
        return []
    if wire.status(payload) == wire.CANCELLED:
        return [_cancellation(payload, terms, WHOLE, {"reason": _reason(payload)})]
    lines = _gone(payload, known)
    if not lines:
        return []
    # Numbered, so that of two snapshots which find the same pieces gone only one is taken.
    name = f"{REDUCED}{known.reductions + 1}"
    return [_cancellation(payload, terms, name, {"lines": lines, "reason": _reason(payload)})]


def _gone(payload: Payload, known: Known) -> list[dict[str, int]]:
    """Return the pieces that are neither sent nor to be sent, and were not cancelled before."""
    taken_off, lines = known.taken_off, []
    for item in wire.objects(payload, "orderItems"):
        sold = known.lines.get(wire.text(item, "orderItemId", 40))
        ordered = number(item, "quantityOrdered")
        if sold is None or ordered is None or not isinstance(sold.get("quantity"), int):
            continue
        left = ordered
        if wire.inner(item, "cancellation").get("cancellationExecution"):
            fulfillment = wire.inner(item, "fulfillment")
            sent = number(fulfillment, "quantityFulfilled")
            to_send = number(fulfillment, "quantityUnfulfilled")
            if sent is not None and to_send is not None:
                left = min(left, sent + to_send)
        gone = sold["quantity"] - left - taken_off[sold["line"]]
        if gone > 0:
            lines.append({"line": sold["line"], "quantity": gone})
    return lines


def _reason(payload: Payload) -> str:
    for item in wire.objects(payload, "orderItems"):
        executed = wire.inner(wire.inner(item, "cancellation"), "cancellationExecution")
        by = wire.text(executed, "cancelledBy", 40)
        if by:
            return f"by {by.lower()}"
    return "cancelled at Amazon"


def _cancellation(payload: Payload, terms: Terms, name: str, wish: dict[str, Any]) -> FollowUp:
    draft = Draft(
        {
            "order_ref": wire.text(payload, "orderId", 35),
            "legal_entity": terms.legal_entity,
            "cancellation": {"cancellation_ref": name, **wish},
        }
    )
    draft.check(OrderCancellation)
    return FollowUp("order.cancellation", name, draft)
