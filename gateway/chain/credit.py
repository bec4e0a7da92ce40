"""Tax of credits: what a channel gives back and does not say the tax of.

It is decided as a credit leaves, not as it is taken: credits of one order leave one after the
other, so each knows what was given back before it, through whichever channel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import ValidationError

from gateway.canonical.envelope import Envelope
from gateway.canonical.order import Order, Return
from gateway.canonical.outcome import Delayed
from gateway.chain.plan import Plan, TaxSource
from gateway.chain.step import Done, Step, changed
from gateway.chain.tax import Quote, tax
from gateway.policy.credits import is_taxed, taxed


@dataclass(frozen=True, slots=True)
class Credited:
    """The order a credit is of, None if it was never taken here, and the credits booked of it."""

    order: Envelope | None = None
    before: tuple[Return, ...] = ()


#: Looks up what was credited before the message.
History = Callable[[Envelope], Awaitable[Credited | Delayed]]


async def credit(envelope: Envelope, plan: Plan, history: History, quote: Quote) -> Step:
    """State the tax of all that is given back: the channel's word, else the order's share.

    Where the tax engine's tax was booked with the order, the engine's is given back.
    """
    try:
        body = Return.model_validate(envelope.body)
    except ValidationError:
        return Done(envelope)  # the dialect says what is wrong with it
    if is_taxed(body) and plan.tax is not TaxSource.ENGINE:
        return Done(envelope)
    found = await history(envelope)
    if isinstance(found, Delayed):
        return found
    if found.order is None:
        return Done(envelope)  # older than the gateway: the ERP has it, and its taxes
    engine = plan.tax is TaxSource.ENGINE
    sold = await tax(found.order, plan, quote) if engine else Done(found.order)
    if not isinstance(sold, Done):
        return sold
    before, note = found.before, "tax of its order"
    if sold.envelope is not found.order:  # what the channel says was not booked
        body, before, note = _untaxed(body), tuple(map(_untaxed, before)), sold.note
    return _shared(envelope, sold.envelope, before, body, note)


def _shared(
    envelope: Envelope, order: Envelope, before: tuple[Return, ...], body: Return, note: str
) -> Done:
    if is_taxed(body):
        return Done(envelope)
    made = taxed(Order.model_validate(order.body), before, body).model_dump(mode="json")
    after = changed(envelope, lines=made["lines"], shipping_tax=made["shipping_tax"])
    return Done(after, f"{note}, by share")


def _untaxed(body: Return) -> Return:
    lines = tuple(line.model_copy(update={"tax": None}) for line in body.lines)
    return body.model_copy(update={"lines": lines, "shipping_tax": None})
