"""The peak mode: one key beside the rule book, which every worker looks at each second."""

from __future__ import annotations

from gateway.canonical.exchange import Peak
from gateway.store.redis import keys
from gateway.store.redis.client import Client


class RedisPeaks:
    """:class:`gateway.ports.Peaks` on Redis."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def peak(self) -> Peak | None:
        """Return who switched it on and why, or None while it is off."""
        by, reason, at = await self._client.command("HMGET", keys.PEAK, "by", "reason", "at")
        return None if by is None else Peak(by.decode(), reason.decode(), at.decode())

    async def switch(self, peak: Peak | None) -> None:
        """Switch it on, or off."""
        if peak is None:
            await self._client.command("DEL", keys.PEAK)
            return
        await self._client.command(
            "HSET", keys.PEAK, "by", peak.by, "reason", peak.reason, "at", peak.at
        )
