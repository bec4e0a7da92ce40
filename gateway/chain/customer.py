"""Customer: whom the order is booked on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.canonical.customer import Wish
from gateway.canonical.envelope import Envelope, order_channel
from gateway.canonical.order import Address, Customer
from gateway.canonical.outcome import Delayed, Refused
from gateway.chain.plan import CustomerSource, Plan
from gateway.chain.step import Done, Step, changed


class Found(NamedTuple):
    """A customer's number in an ERP, and how it is known, such as ``created``."""

    number: str
    how: str


#: Finds a customer in the ERP, or creates it there.
FindOrCreate = Callable[[Wish], Awaitable[Found | Refused | Delayed]]


def collective(envelope: Envelope, plan: Plan) -> Step:
    """Book the order on the channel's collective customer, if it has one."""
    if plan.customer is not CustomerSource.COLLECTIVE:
        return Done(envelope)
    customer = {**envelope.body["customer"], "ref": plan.collective}
    return Done(changed(envelope, customer=customer), f"customer {plan.collective} (collective)")


async def customer(
    envelope: Envelope, plan: Plan, crossed: str, find_or_create: FindOrCreate
) -> Step:
    """Book the order on its own customer in the ERP, whose number it then carries.

    ``crossed`` is the number a crosswalk has for them, "" for none: it wins, so that customers both
    ERPs had before are not created again.
    """
    if plan.customer is not CustomerSource.ERP:
        return Done(envelope)
    found = Found(crossed, "crosswalk") if crossed else await find_or_create(wish_of(envelope))
    if not isinstance(found, Found):
        return found
    stated = {**envelope.body["customer"], "ref": found.number}
    return Done(changed(envelope, customer=stated), f"customer {found.number} ({found.how})")


def wish_of(envelope: Envelope) -> Wish:
    """Return the customer that an order states."""
    body = envelope.body
    return Wish(
        order_channel(envelope) or envelope.channel,
        body["legal_entity"],
        Customer.model_validate(body["customer"]),
        Address.model_validate(body["ship_to"]),
        body["currency"],
    )
