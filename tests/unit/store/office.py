"""One process at the quota, for tests."""

from __future__ import annotations

from gateway.canonical.exchange import Limits, Permit, Traffic, Window
from gateway.canonical.process import Target
from gateway.store.redis.quotas import RedisQuotas
from tests.valkey import Buffer

CLOUD = Target.CLOUD
LIMITS = Limits(places=5, windows=(Window(8, 1000),), call_ms_max=2000, use_ms=1000, network_ms=50)
NORMAL = Traffic.NORMAL


class Office:
    """One process at the quota, on a new installation."""

    def __init__(self, buffer: Buffer, limits: Limits = LIMITS, who: str = "a") -> None:
        self.quotas = RedisQuotas(buffer.client, dict.fromkeys(Target, limits), who=who)

    async def get(self, count: int, kind: Traffic = NORMAL) -> list[Permit]:
        await self.quotas.open(CLOUD, anew=False)
        return list((await self.quotas.acquire(CLOUD, {kind: count})).permits)

    async def back(self, permits: list[Permit], how: str = "ok") -> None:
        for permit in permits:
            permit.how = how
        await self.quotas.give_back(CLOUD, permits)

    async def wait(self, kind: Traffic = NORMAL) -> int:
        """Say how long a further call would have to wait, and leave the line."""
        await self.quotas.open(CLOUD, anew=False)
        grant = await self.quotas.acquire(CLOUD, {kind: 1})
        assert grant.permits == ()
        await self.quotas.acquire(CLOUD, {})
        return grant.wait_ms
