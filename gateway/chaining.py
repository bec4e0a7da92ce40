"""Composes the order chain of each ERP: what its steps ask, if any channel's plan asks it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Protocol

from gateway.canonical.exchange import Traffic
from gateway.chain.plan import CustomerSource, Plans
from gateway.chain.run import Chain, Tables
from gateway.clock import Clock
from gateway.flow.calls import Caller
from gateway.flow.customers import PATIENCE_MS, CustomerDesk
from gateway.policy.windows import Windows
from gateway.ports import Customers, CustomerShelf, Erp, Quotas


class Speaker(Erp, Customers, Protocol):
    """An ERP's dialect, with its customer master."""


def chain_of(
    erp: Speaker,
    tables: Tables,
    plans: Plans,
    shelf: CustomerShelf,
    quotas: Quotas,
    windows: Windows,
    clock: Clock,
    stack: AsyncExitStack,
) -> Chain:
    """Return the chain of one ERP; what it asks in the background ends with ``stack``."""
    if not any(plan.customer is CustomerSource.ERP for plan in plans.values()):
        return Chain(erp.name, tables, plans)

    def caller(*, writes: bool) -> Caller:
        request_ms = erp.timing.request_ms
        return Caller(
            quotas, clock, windows, PATIENCE_MS, request_ms, Traffic.NORMAL, writes=writes
        )

    desk = CustomerDesk(erp, shelf, caller(writes=False), caller(writes=True), clock)
    stack.push_async_callback(desk.close)
    return Chain(erp.name, tables, plans, find_or_create=desk.find_or_create)
