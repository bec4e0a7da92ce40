"""What takes submissions, put together: for gateways, and for commands that bring files."""

from __future__ import annotations

from collections.abc import Callable

from gateway.canonical.process import Priority
from gateway.flow.accept import Acceptor
from gateway.flow.calls import Caller
from gateway.flow.owners import OwnerFinder
from gateway.flow.payment import Payments
from gateway.flow.store_sales import StoreIntake
from gateway.wiring import Parts


def acceptor(parts: Parts, caller: Caller) -> Acceptor:
    """Return what takes submissions; the guard has to be started before."""
    return Acceptor(
        parts.intake,
        parts.versions,
        OwnerFinder(parts.ledger, parts.erps, caller),
        parts.clock,
        parts.settings.partitions,
        admission(parts),
    )


def store_intake(parts: Parts, taking: Acceptor) -> StoreIntake:
    """Return what takes store sales."""
    return StoreIntake(
        taking, parts.intake, parts.ledger, parts.ledger, parts.clock, parts.settings.partitions
    )


def payments(parts: Parts) -> Payments:
    """Return who is told of orders that are paid."""
    return Payments(parts.desk, parts.lanes, parts.auditor, parts.settings.plans)


def admission(parts: Parts) -> Callable[[Priority], None]:
    """Return what refuses a submission before anything else is looked at."""

    def admit(priority: Priority) -> None:
        parts.guard.admit()
        parts.pressure.admit(priority)

    return admit
