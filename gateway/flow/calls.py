"""One interactive call to an ERP through its quota, for reads that somebody is waiting for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.errors import ErpUnavailable
from gateway.ports import Quotas

T = TypeVar("T")


class Caller:
    """Waits for a permit, but no longer than ``patience_ms``: a shopper is waiting too."""

    def __init__(self, quotas: Quotas, clock: Clock, patience_ms: int = 3000) -> None:
        self._quotas = quotas
        self._clock = clock
        self._patience_s = patience_ms / 1000

    async def call(self, erp: Target, act: Callable[[], Awaitable[T]]) -> T:
        """Make one call; raise :class:`ErpUnavailable` if no permit came in time."""
        permit = await self._permit(erp)
        try:
            return await act()
        finally:
            await self._quotas.used(erp, [permit])

    async def _permit(self, erp: Target) -> str:
        until_s = self._clock.monotonic_s() + self._patience_s
        while True:
            grant = await self._quotas.acquire(erp, 1)
            if grant.permits:
                return grant.permits[0]
            wait_s = max(0.005, grant.wait_ms / 1000)
            if self._clock.monotonic_s() + wait_s > until_s:
                raise ErpUnavailable(
                    "the system that answers this is busy; repeat later",
                    retry_after_s=max(1, round(wait_s)),
                )
            await self._clock.sleep(wait_s)
