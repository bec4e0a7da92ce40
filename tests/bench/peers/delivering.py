"""An arq worker whose job posts one order to the cloud simulator; with `fill`, enqueues the jobs.

Run in an environment of its own, made by the benchmark.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, ClassVar

import aiohttp
from arq import create_pool
from arq.connections import RedisSettings

ERP = os.environ["BENCH_ERP"]
LINE = {"lineType": "Item", "lineObjectNumber": "TEE-BLK-M", "quantity": 2, "unitPrice": 19.95}
ORDER = {
    "orderDate": "2026-01-02",
    "customerNumber": "C-1",
    "currencyCode": "EUR",
    "pricesIncludeTax": True,
    "salesOrderLines": [{"sequence": 10000 * n, **LINE} for n in range(1, 6)],
}


async def deliver(context: dict[str, Any], number: int) -> int:
    """Post one order."""
    body = {**ORDER, "externalDocumentNumber": f"A-{number}"}
    url = f"{ERP}/api/v2.0/companies(NL01)/salesOrders"
    async with context["http"].post(url, json=body, headers=context["headers"]) as answer:
        await answer.read()
        return int(answer.status)


async def start(context: dict[str, Any]) -> None:
    """Sign in and keep connections."""
    context["http"] = aiohttp.ClientSession()
    grant = {"grant_type": "client_credentials", "client_id": "gateway",
             "client_secret": "gateway-cloud"}  # fmt: skip
    async with context["http"].post(f"{ERP}/contoso/oauth2/v2.0/token", data=grant) as answer:
        token = (await answer.json())["access_token"]
    context["headers"] = {"Authorization": f"Bearer {token}"}


class WorkerSettings:
    """As many jobs at once as our worker has calls."""

    functions: ClassVar = [deliver]
    on_startup = start
    max_jobs = 32
    poll_delay = 0.01
    redis_settings = RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])


async def fill(count: int) -> None:
    """Enqueue the jobs."""
    pool = await create_pool(WorkerSettings.redis_settings)
    for number in range(count):
        await pool.enqueue_job("deliver", number)


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
