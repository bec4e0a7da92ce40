"""The Orders API 2026-01-01: searches and single orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from gateway.callers.amazon.api import Account, SellingPartner, body_of, instant, why
from gateway.canonical.exchange.pulling import OrderPage
from gateway.clock import Clock
from gateway.errors import BadRequest
from gateway.ports.marketplaces import Pulls

_PATH: Final = "/orders/2026-01-01/orders"


class AmazonOrders:
    """Implements :class:`gateway.ports.marketplaces.Orders`."""

    def __init__(
        self, account: Account, client: httpx.AsyncClient, pulls: Pulls, clock: Clock
    ) -> None:
        self._account = account
        self._api = SellingPartner(account, client, pulls, clock)

    async def search(self, after: datetime, page: str) -> OrderPage:
        query = {"includedData": ",".join(self._account.data)}
        if page:
            query["paginationToken"] = page
        else:
            query["lastUpdatedAfter"] = after.astimezone(UTC).isoformat().replace("+00:00", "Z")
            query["marketplaceIds"] = ",".join(self._account.marketplaces)
        answer = await self._api.call("searchOrders", _PATH, query)
        if answer.status_code == 400:
            raise BadRequest(f"searchOrders: {why(answer)}")
        body = body_of(answer, "searchOrders")
        orders = body.get("orders")
        token = (body.get("pagination") or {}).get("nextToken")
        return OrderPage(
            tuple(it for it in orders or () if isinstance(it, dict)),
            token if isinstance(token, str) else "",
            instant(body.get("lastUpdatedBefore")),
        )

    async def order(self, order_ref: str) -> Mapping[str, Any] | None:
        query = {"includedData": ",".join(self._account.data)}
        answer = await self._api.call("getOrder", f"{_PATH}/{quote(order_ref, safe='')}", query)
        if answer.status_code == 404:
            return None
        found = body_of(answer, "getOrder").get("order")
        return found if isinstance(found, dict) else None
