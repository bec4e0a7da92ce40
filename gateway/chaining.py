"""Composes the order chain of each ERP: what its steps ask, if any channel's plan asks it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from gateway.callers.tax import TaxCaller
from gateway.canonical.exchange import Traffic
from gateway.chain.credit import History
from gateway.chain.plan import CustomerSource, Plans
from gateway.chain.run import Chain, Tables
from gateway.clock import Clock
from gateway.flow.calls import Caller
from gateway.flow.customers import PATIENCE_MS, CustomerDesk
from gateway.flow.taxes import TaxDesk
from gateway.policy.windows import Windows
from gateway.ports import Customers, CustomerShelf, Erp, Quotas
from gateway.settings.tax import TaxSettings


class Speaker(Erp, Customers, Protocol):
    """An ERP's dialect, with its customer master."""


def tax_desk(settings: TaxSettings | None, clock: Clock, stack: AsyncExitStack) -> TaxDesk | None:
    """Return who asks the tax engine, until ``stack`` ends; None if there is none."""
    if settings is None:
        return None
    secret = settings.license_key.get_secret_value()
    desk = TaxDesk(TaxCaller(settings.url, settings.account, secret, settings.request_s), clock)
    stack.push_async_callback(desk.close)
    return desk


@dataclass(frozen=True, slots=True)
class Chains:
    """Makes the chains of both ERPs; what they ask in the background ends with ``stack``."""

    plans: Plans
    tables: Tables
    shelf: CustomerShelf
    quotas: Quotas
    windows: Windows
    clock: Clock
    stack: AsyncExitStack
    tax: TaxDesk | None
    history: History

    def of(self, erp: Speaker) -> Chain:
        """Return the chain of an ERP."""
        quote = None if self.tax is None else self.tax.quote
        if not any(plan.customer is CustomerSource.ERP for plan in self.plans.values()):
            return Chain(erp.name, self.tables, self.plans, quote=quote, history=self.history)
        reads, writes = self._caller(), self._caller(writes=True)
        desk = CustomerDesk(erp, self.shelf, reads, writes, self.clock)
        self.stack.push_async_callback(desk.close)
        return Chain(
            erp.name, self.tables, self.plans, quote=quote, history=self.history,
            find_or_create=desk.find_or_create,
        )  # fmt: skip

    def _caller(self, *, writes: bool = False) -> Caller:
        return Caller(
            self.quotas, self.clock, self.windows, PATIENCE_MS, Traffic.NORMAL, writes=writes
        )
