"""One interactive call to an ERP through its quota, for reads that somebody is waiting for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.errors import ErpUnavailable
from gateway.policy.windows import MARGIN_MS, Call, Windows
from gateway.ports import Quotas

T = TypeVar("T")


class Caller:
    """Waits for a permit, but no longer than ``patience_ms``: a shopper is waiting too.

    Where the ERP is closed, or will be before a call of ``enquiry_ms`` could end, none is made.
    """

    def __init__(
        self,
        quotas: Quotas,
        clock: Clock,
        windows: Windows | None = None,
        patience_ms: int = 3000,
        enquiry_ms: int = 5000,
    ) -> None:
        self._quotas = quotas
        self._clock = clock
        self._windows = windows or Windows()
        self._patience_s = patience_ms / 1000
        self._lasts_ms = patience_ms + enquiry_ms + MARGIN_MS

    async def call(self, erp: Target, act: Callable[[], Awaitable[T]]) -> T:
        """Make one call; raise :class:`ErpUnavailable` if it may not start in time."""
        self._open(erp)
        permit = await self._permit(erp)
        try:
            return await act()
        finally:
            await self._quotas.used(erp, [permit])

    def _open(self, erp: Target) -> None:
        now = self._clock.now()
        closed = self._windows.gate(Call(erp), now, self._lasts_ms)
        if closed is not None:
            wait_s = -(-closed.wait_ms(now) // 1000)
            raise ErpUnavailable(
                "the system that answers this is under maintenance; repeat after "
                f"{closed.until:%Y-%m-%dT%H:%M:%SZ}",
                retry_after_s=wait_s,
            )

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
