"""The shop whose orders a returns platform takes back, as the platform uses its Admin API."""

from __future__ import annotations

from typing import Any

import aiohttp

from simulators.channel import Channel
from simulators.loop.options import LoopOptions
from simulators.loop.platform import Return, ReturnError

SHOP_API = "/admin/api/2026-07"
SHOP_S = 10.0
#: What buyers look at of an order before they send something back.
FIELDS = (
    "id,name,email,currency,taxes_included,created_at,cancelled_at,financial_status,"
    "line_items,refunds"
)


class Shop:
    """The shop's Admin API, as the platform uses it."""

    def __init__(self, channel: Channel[LoopOptions]) -> None:
        self._channel = channel

    async def order(self, order_id: int) -> dict[str, Any]:
        """Read an order."""
        found: dict[str, Any] = (await self._call("GET", f"/orders/{order_id}.json"))["order"]
        return found

    async def orders(self) -> list[dict[str, Any]]:
        """Read the newest orders."""
        path = f"/orders.json?status=any&limit=50&fields={FIELDS}"
        found: list[dict[str, Any]] = (await self._call("GET", path))["orders"]
        return found

    async def refund(self, made: Return, settled: int) -> None:
        """Pay the buyer through the shop for the rows behind the first ``settled``."""
        counts: dict[str, int] = {}
        for row in made.rows[settled:]:
            line = row["provider_line_item_id"]
            counts[line] = counts.get(line, 0) + 1
        rows = [{"line_item_id": int(line), "quantity": count, "restock_type": "return"}
                for line, count in counts.items()]  # fmt: skip
        body = {"refund": {"refund_line_items": rows, "note": f"Return {made.number}"}}
        await self._call("POST", f"/orders/{made.order['id']}/refunds.json", body)

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        options = self._channel.options
        if not options.shop:
            raise ReturnError("no shop is configured; start with --shop")
        timeout = aiohttp.ClientTimeout(total=SHOP_S)
        headers = {"X-Shopify-Access-Token": options.shop_token}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.request(method, f"{options.shop}{SHOP_API}{path}", json=body) as answer,
            ):
                if answer.status >= 300:
                    said = (await answer.text())[:200]
                    raise ReturnError(f"the shop answers {answer.status}: {said}")
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReturnError(f"the shop does not answer: {error}") from None
