"""One ledger of calls per ERP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.exchange import Grant, Permit, QuotaUse, Traffic
from gateway.canonical.process import Target


class Quotas(Protocol):
    """One ledger of calls per ERP, shared by every process that calls it.

    A permit is for one call. It is given back after the call, or unused; what it noted on its way
    (:class:`~gateway.canonical.exchange.Permit`) tells the ledger when the call counts and how the
    ERP fares.
    """

    async def acquire(
        self,
        erp: Target,
        want: Mapping[Traffic, int],
        back: Sequence[Permit] = (),
        units: int = 1,
    ) -> Grant:
        """Ask for permits by kind of traffic, and give others back in the same turn.

        What is not granted waits in line: nobody gets a permit of its kind, or for less urgent
        calls, before. A permit is for one call of ``units`` operations that count one by one (a
        reader's always for one). Asking for nothing leaves the line. Giving back twice is harmless.
        """
        ...

    async def give_back(self, erp: Target, permits: Sequence[Permit]) -> None:
        """Give permits back; a place in the line stays."""
        ...

    async def rung(self, erp: Target, within_ms: int) -> bool:
        """Wait until others have left something for us in line; False if that did not happen."""
        ...

    async def close(self, erp: Target, for_ms: int) -> None:
        """Let nobody call before ``for_ms`` have passed."""
        ...

    async def forget(self, erp: Target) -> None:
        """Count every window as full: what is counted is older than what was called."""
        ...

    async def usage(self, erp: Target) -> QuotaUse:
        """Read the ledger."""
        ...
