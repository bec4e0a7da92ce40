"""A bare Litestar handler on granian: decode the body, one XADD, answer 202."""

from __future__ import annotations

import os
from typing import Any

from litestar import Litestar, post
from redis.asyncio import Redis

redis: Any = Redis.from_url(os.environ["BENCH_REDIS_URL"])


@post("/v1/orders", status_code=202)
async def accept(data: dict[str, Any]) -> dict[str, str]:
    """Take one order."""
    entry = await redis.xadd("orders", {"ref": data["order_ref"], "lines": len(data["lines"])})
    return {"transaction_id": entry.decode(), "status": "accepted"}


app = Litestar([accept], openapi_config=None, logging_config=None)
