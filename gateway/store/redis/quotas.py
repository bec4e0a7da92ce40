"""One ledger of calls per ERP, shared by every process that calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.canonical.exchange import Grant, Limits, QuotaUse
from gateway.canonical.process import Target
from gateway.store.redis import keys
from gateway.store.redis.client import Client


class RedisQuotas:
    """:class:`gateway.ports.Quotas` on Redis; ``limits`` come from the configuration."""

    def __init__(self, client: Client, limits: Mapping[Target, Limits]) -> None:
        self._client = client
        self._limits = limits

    async def acquire(self, erp: Target, want: int) -> Grant:
        """Lease up to ``want`` permits."""
        limits = self._limits[erp]
        answer = await self._client.script(
            "permit",
            [keys.quota_key(erp, part) for part in ("window", "flight", "closed", "counter")],
            self._client.now_ms,
            want,
            limits.concurrent_max,
            limits.calls_max,
            limits.window_ms,
            limits.call_ms_max,
        )
        return Grant(tuple(permit.decode() for permit in answer[1:]), int(answer[0]))

    async def used(self, erp: Target, permits: Sequence[str]) -> None:
        """Say that these calls ended now; they count in the window from now."""
        await self._back(erp, permits, called=True)

    async def unused(self, erp: Target, permits: Sequence[str]) -> None:
        """Give permits back that no call was made with."""
        await self._back(erp, permits, called=False)

    async def close(self, erp: Target, for_ms: int) -> None:
        """Let nobody call before ``for_ms`` have passed."""
        key = keys.quota_key(erp, "closed")
        await self._client.script("close", [key], self._client.now_ms, for_ms)

    async def usage(self, erp: Target) -> QuotaUse:
        """Read the ledger."""
        now_ms = self._client.now_ms or await self._client.server_ms()
        window_ms = self._limits[erp].window_ms
        in_window = await self._client.command(
            "ZCOUNT", keys.quota_key(erp, "window"), f"({int(now_ms) - window_ms}", "+inf"
        )
        in_flight = await self._client.command("ZCARD", keys.quota_key(erp, "flight"))
        closed = await self._client.command("GET", keys.quota_key(erp, "closed"))
        closed_ms = max(0, int(closed or 0) - int(now_ms))
        return QuotaUse(int(in_flight), int(in_window), closed_ms)

    async def _back(self, erp: Target, permits: Sequence[str], *, called: bool) -> None:
        if not permits:
            return
        await self._client.script(
            "used",
            [keys.quota_key(erp, "window"), keys.quota_key(erp, "flight")],
            self._client.now_ms,
            1 if called else 0,
            self._limits[erp].window_ms,
            *permits,
        )
