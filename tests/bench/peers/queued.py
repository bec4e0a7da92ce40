"""The same handler enqueuing with arq; runs in an environment of its own, made by the benchmark."""

from __future__ import annotations

import os
from typing import Any

from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from litestar import Litestar, post

pool: list[ArqRedis] = []


async def connect() -> None:
    """Open the pool when the server starts."""
    pool.append(await create_pool(RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])))


@post("/v1/orders", status_code=202)
async def accept(data: dict[str, Any]) -> dict[str, str]:
    """Take one order; its reference makes the job unique, as the gateway's claim does."""
    job = await pool[0].enqueue_job("book", data, _job_id=data["order_ref"])
    return {"transaction_id": job.job_id if job else "", "status": "accepted"}


app = Litestar([accept], on_startup=[connect], openapi_config=None, logging_config=None)
