"""The Admin API's list of orders, read a page at a time, within its call limit.

Source: shopify.dev, REST Admin API, orders and rate limits: a bucket of calls per app and shop,
told with every answer as ``used/size``; a page token carries the filters it was made with.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import msgspec

from gateway.canonical.exchange.pulling import OrderPage
from gateway.clock import Clock
from gateway.errors import BadRequest, MarketUnavailable

VERSION: Final = "2026-07"
#: Orders on a page, the most that is given.
PAGE: Final = 250

#: Part of the bucket left to others: the same app may be called for write-backs meanwhile.
USE_MAX: Final = 0.5
_LEAK_S: Final = 0.5  #: until one more call fits, on the slowest plan

_LIMIT: Final = re.compile(r"([0-9]{1,5})/([1-9][0-9]{0,4})")
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class ShopifyOrders:
    """Implements :class:`gateway.ports.marketplaces.Searches` for one shop."""

    def __init__(
        self, url: str, access_token: str, client: httpx.AsyncClient, clock: Clock
    ) -> None:
        self._at = f"{url}/admin/api/{VERSION}/orders.json"
        self._headers = {"X-Shopify-Access-Token": access_token, "Accept": "application/json"}
        self._client = client
        self._clock = clock
        self._wait_s = 0.0

    async def search(self, after: datetime, page: str) -> OrderPage:
        query = {"limit": str(PAGE)}
        if page:
            query["page_info"] = page
        else:
            since = after.astimezone(UTC).isoformat(timespec="seconds")
            query |= {"status": "any", "order": "updated_at asc", "updated_at_min": since}
        answer = await self._call(query)
        orders = _body(answer).get("orders")
        return OrderPage(
            tuple(it for it in orders or () if isinstance(it, dict)),
            _next(answer),
            _date(answer),
        )

    async def _call(self, query: dict[str, str]) -> httpx.Response:
        if self._wait_s:
            await self._clock.sleep(self._wait_s)
        try:
            answer = await self._client.get(self._at, params=query, headers=self._headers)
        except httpx.HTTPError as error:
            raise MarketUnavailable(f"orders.json: {type(error).__name__}") from None
        self._wait_s = _pause_s(answer)
        if answer.status_code == 400:
            raise BadRequest("orders.json: 400, the page token is not known any more")
        if answer.status_code != 200:
            hint = "; check access_token and its scope read_orders" if _is_no(answer) else ""
            raise MarketUnavailable(f"orders.json: {answer.status_code}{hint}")
        return answer


def _pause_s(answer: httpx.Response) -> float:
    """Return how long to wait before the next call, so that half of the bucket stays free."""
    if answer.status_code == 429:
        try:
            return min(60.0, max(0.0, float(answer.headers.get("Retry-After", "2"))))
        except ValueError:
            return 2.0
    told = _LIMIT.fullmatch(answer.headers.get("X-Shopify-Shop-Api-Call-Limit", "").strip())
    if told is None:
        return 0.0
    return max(0.0, int(told[1]) - int(told[2]) * USE_MAX) * _LEAK_S


def _is_no(answer: httpx.Response) -> bool:
    return answer.status_code in {401, 403}


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = _decode(answer.content)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError):
        found = None
    if not isinstance(found, dict):
        raise MarketUnavailable("orders.json: an answer that is no JSON object")
    return found


def _next(answer: httpx.Response) -> str:
    """Return the token of the next page, "" if this was the last."""
    url = answer.links.get("next", {}).get("url", "")
    return httpx.URL(url).params.get("page_info", "") if url else ""


def _date(answer: httpx.Response) -> datetime | None:
    """Return when the shop answered, by its own clock: all that changed before is in the list."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
