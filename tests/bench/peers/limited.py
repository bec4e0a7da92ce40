"""One process that calls the cloud simulator under a peer's limiter, two calls at once.

Run in an environment of its own, made by the benchmark. `BENCH_HOW` is `pyrate` (pyrate-limiter's
Redis bucket) or `backoff` (send, and after a 429 wait twice as long each time, with full jitter).
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import aiohttp
from pyrate_limiter import BucketAsyncWrapper, Limiter, Rate, RedisBucket
from redis.asyncio import Redis

ERP, HOW = os.environ["BENCH_ERP"], os.environ["BENCH_HOW"]
WINDOW_MS = int(float(os.environ["BENCH_WINDOW_S"]) * 1000)
ORDER = {
    "orderDate": "2026-01-02",
    "customerNumber": "C-1",
    "currencyCode": "EUR",
    "pricesIncludeTax": True,
    "salesOrderLines": [
        {"sequence": 10000, "lineType": "Item", "lineObjectNumber": "TEE-BLK-M",
         "quantity": 1, "unitPrice": 19.95}
    ],
}  # fmt: skip


async def caller(session: aiohttp.ClientSession, redis: Any, limiter: Limiter) -> None:
    """Take orders off the list and post each until it is not refused."""
    grant = {"grant_type": "client_credentials", "client_id": "gateway",
             "client_secret": "gateway-cloud"}  # fmt: skip
    async with session.post(f"{ERP}/contoso/oauth2/v2.0/token", data=grant) as answer:
        token = (await answer.json())["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    while (number := await redis.lpop("orders")) is not None:
        body = {**ORDER, "externalDocumentNumber": f"P-{number.decode()}"}
        for refusals in range(1000):
            if HOW == "pyrate":
                while not await limiter.try_acquire("erp"):  # noqa: ASYNC110 -- the peer has no other way
                    await asyncio.sleep(0.01)
            url = f"{ERP}/api/v2.0/companies(NL01)/salesOrders"
            async with session.post(url, json=body, headers=headers) as answer:
                await answer.read()
            if answer.status != 429:
                break
            await asyncio.sleep(random.uniform(0, min(5.0, 0.1 * 2**refusals)))


async def main() -> None:
    """Call until the list is empty."""
    redis = Redis.from_url(os.environ["BENCH_REDIS_URL"])
    rates = [Rate(int(os.environ["BENCH_LIMIT"]), WINDOW_MS)]
    bucket = await RedisBucket.init(rates, redis, "erp")
    limiter = Limiter(BucketAsyncWrapper(bucket), raise_when_fail=False, max_delay=None)
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(caller(session, redis, limiter) for _ in range(2)))


asyncio.run(main())
