"""Codes an order will carry when they are translated, as far as that can be said beforehand."""

from __future__ import annotations

from gateway.canonical.crosswalk import CrosswalkKind
from gateway.canonical.envelope import Envelope, order_channel
from gateway.canonical.unmapped import UNMAPPED
from gateway.chain.customer import collective
from gateway.chain.fees import fees
from gateway.chain.location import location
from gateway.chain.plan import CustomerSource, Plans, plan_of
from gateway.chain.step import Done
from gateway.mapping.crosswalk import Crosswalks


def foreseen(envelope: Envelope, tables: Crosswalks, plans: Plans) -> tuple[Envelope, Crosswalks]:
    """Return a message with its location, fees and customer, and the tables it will go through.

    A customer who will be found or created in the ERP needs no row of a table.
    """
    plan = None
    if plans and envelope.process == "order.intake" and UNMAPPED not in envelope.body:
        channel = order_channel(envelope) or envelope.channel
        plan = plan_of(plans, channel, envelope.body["legal_entity"])
    if plan is None:
        return envelope, tables
    for step in (location, fees, collective):
        done = step(envelope, plan)
        envelope = done.envelope if isinstance(done, Done) else envelope
    if plan.customer is CustomerSource.ERP:
        others = dict(tables.tables)
        others.pop(CrosswalkKind.CUSTOMER, None)
        tables = Crosswalks(others)
    return envelope, tables
