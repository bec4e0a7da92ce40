"""Loop's detailed list of returns, read a page at a time, within its rate.

Source: docs.loopreturns.com, detailed returns list and pagination: ``filter=updated_at``, at most
120 days between ``from`` and ``to``, ``nextPageUrl`` until it is null. The rate, 300 calls a minute
per key, is stated by a directory of APIs only, and 429 promises no Retry-After.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from gateway.canonical.exchange.pulling import OrderPage
from gateway.clock import Clock
from gateway.errors import BadRequest, MarketUnavailable

_PATH: Final = "/api/v1/warehouse/return/list"
#: Returns on a page; 750 is the most that is given, and a page is taken or repeated as a whole.
PAGE: Final = 250
#: One search covers at most this much; what is behind it is the next one's.
WINDOW: Final = timedelta(days=119)
#: Pause between two calls: half of the rate is left to others with the same key.
PAUSE_S: Final = 0.4

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class LoopReturns:
    """Implements :class:`gateway.ports.marketplaces.Searches` for one account."""

    def __init__(self, url: str, api_key: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._at = f"{url}{_PATH}"
        self._headers = {"X-Authorization": api_key, "Accept": "application/json"}
        self._client = client
        self._clock = clock

    async def search(self, after: datetime, page: str) -> OrderPage:
        until = min(self._clock.now(), after + WINDOW)
        if page:
            await self._clock.sleep(PAUSE_S)
            query = httpx.QueryParams(page)
        else:
            query = httpx.QueryParams(
                {
                    "filter": "updated_at", "from": _stamp(after), "to": _stamp(until),
                    "paginate": "true", "pageSize": str(PAGE),
                }
            )  # fmt: skip
        body = await self._body(query)
        found = body.get("returns")
        url = body.get("nextPageUrl")
        return OrderPage(
            tuple(it for it in found or () if isinstance(it, dict)),
            # Only what it asks for is taken from the address: the key goes to our host alone.
            urlsplit(url).query if isinstance(url, str) else "",
            until,
        )

    async def _body(self, query: httpx.QueryParams) -> dict[str, Any]:
        try:
            answer = await self._client.get(self._at, params=query, headers=self._headers)
        except httpx.HTTPError as error:
            raise MarketUnavailable(f"return/list: {type(error).__name__}") from None
        if answer.status_code in {400, 422}:
            raise BadRequest(f"return/list: {answer.status_code}, the page is not known any more")
        if answer.status_code != 200:
            hint = "; check api_key and its scope Returns" if _is_no(answer) else ""
            raise MarketUnavailable(f"return/list: {answer.status_code}{hint}")
        try:
            body = _decode(answer.content)
        except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError):
            body = None
        if not isinstance(body, dict):
            raise MarketUnavailable("return/list: an answer that is no JSON object")
        return body


def _is_no(answer: httpx.Response) -> bool:
    return answer.status_code in {401, 403}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
