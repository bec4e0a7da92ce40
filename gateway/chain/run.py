"""The chain itself: one step after the other, until one cannot go on.

The sentence the code follows: *an order whose payment is settled is given its location, its fees'
items, its tax and its customer, every code is translated, and only then is a customer created; what
each step decided, and by which version, goes with it.* A credit is given the tax of its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from gateway.canonical.crosswalk import CrosswalkKind
from gateway.canonical.envelope import Envelope, Shaped, order_channel
from gateway.canonical.outcome import Delayed, Refused
from gateway.canonical.process import Target
from gateway.chain.codes import codes, crossed_customer
from gateway.chain.credit import History, credit
from gateway.chain.customer import FindOrCreate, collective, customer
from gateway.chain.fees import fees
from gateway.chain.location import location
from gateway.chain.payment import payment
from gateway.chain.plan import NO_PLANS, CustomerSource, Plan, Plans, plan_of
from gateway.chain.step import Done
from gateway.chain.tax import Quote, tax
from gateway.mapping.crosswalk import Crosswalks

ORDER, CREDIT = "order.intake", "return.credit"


class Tables(Protocol):
    """The crosswalks in force."""

    def tables(self) -> Crosswalks:
        """Return them as last seen."""
        ...

    async def refresh(self) -> Crosswalks:
        """Look again, and return them."""
        ...


class Chain:
    """Brings messages into the shape one ERP hears them in; what is shaped stays as it is.

    ``quote`` and ``find_or_create`` are asked only by plans that say so, ``history`` for credits
    that do not state their tax.
    """

    def __init__(
        self,
        erp: Target,
        tables: Tables,
        plans: Plans = NO_PLANS,
        *,
        quote: Quote | None = None,
        find_or_create: FindOrCreate | None = None,
        history: History | None = None,
    ) -> None:
        self._erp = erp
        self._tables = tables
        self._plans = plans
        self._quote = quote or _nobody
        self._find_or_create = find_or_create or _nobody
        self._history = history

    async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        """Return the message as the ERP hears it, with what each step decided."""
        if isinstance(envelope, Shaped):
            return envelope
        plan = self._plan(envelope) if envelope.process in (ORDER, CREDIT) else None
        if plan is not None and envelope.process == ORDER:
            return await self._order(envelope, plan)
        note = ""
        if envelope.process == CREDIT and self._history is not None:
            step = await credit(envelope, plan or Plan(), self._history, self._quote)
            if not isinstance(step, Done):
                return step
            envelope, note = step.envelope, step.note
        done = await self._codes(envelope)
        if not isinstance(done, Done):
            return done
        return Shaped.of(done.envelope, ", ".join(it for it in (note, done.note) if it))

    def _plan(self, envelope: Envelope) -> Plan | None:
        channel = order_channel(envelope) or envelope.channel
        return plan_of(self._plans, channel, envelope.body["legal_entity"])

    async def rehearse(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        """Return the message as it would be heard, asking nobody and creating nothing."""
        alone = Chain(self._erp, self._tables, self._plans)
        return await alone.prepare(envelope)

    async def _order(self, envelope: Envelope, plan: Plan) -> Shaped | Refused | Delayed:
        notes: list[str] = []
        for pure in (payment, location, fees, collective):
            step = pure(envelope, plan)
            if not isinstance(step, Done):
                return _stopped(step, notes)
            envelope = step.envelope
            notes.append(step.note)
        done = await tax(envelope, plan, self._quote)
        if not isinstance(done, Done):
            return _stopped(done, notes)
        own = plan.customer is CustomerSource.ERP
        shaped = await self._codes(done.envelope, CrosswalkKind.CUSTOMER if own else None)
        if not isinstance(shaped, Done):
            return _stopped(shaped, [*notes, done.note])
        crossed = crossed_customer(envelope, self._erp, self._tables.tables()) if own else ""
        last = await customer(shaped.envelope, plan, crossed, self._find_or_create)
        if not isinstance(last, Done):
            return _stopped(last, [*notes, done.note, shaped.note])
        notes += [done.note, last.note, shaped.note]
        return Shaped.of(last.envelope, ", ".join(note for note in notes if note))

    async def _codes(self, envelope: Envelope, but: CrosswalkKind | None = None) -> Done | Refused:
        """Translate; before it refuses anything, look for newer tables."""
        step = codes(envelope, self._erp, self._tables.tables(), but)
        if isinstance(step, Done):
            return step
        return codes(envelope, self._erp, await self._tables.refresh(), but)


def _stopped(step: Refused | Delayed, notes: Sequence[str]) -> Refused | Delayed:
    """Say what the steps before decided: no attempt will, of an order that is not tried."""
    decided = ", ".join(note for note in notes if note)
    return replace(step, detail=f"{step.detail}; decided before: {decided}") if decided else step


async def _nobody(_: object) -> Delayed:
    return Delayed("it depends on what another system says, and none is asked here")
