"""Duties that one process has at a time, and that change no rules."""

from __future__ import annotations

from gateway.store.redis import keys
from gateway.store.redis.client import Client


class RedisDuties:
    """Implements :class:`gateway.ports.marketplaces.Duties`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def is_on(self, duty: str, holder: str, for_ms: int) -> bool:
        key = keys.DUTIES + duty.encode()
        token = await self._client.script("duty", [key], self._client.now_ms, holder, for_ms)
        return token is not None
