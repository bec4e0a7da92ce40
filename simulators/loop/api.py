"""The platform's API: the detailed list of returns, by change or creation, a page at a time.

Source: docs.loopreturns.com, detailed returns list, pagination, authentication. Bodies of errors
and what a list without dates covers are not published: a day is assumed.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from simulators.channel import Channel
from simulators.loop.options import LoopOptions
from simulators.loop.platform import Platform, Return
from simulators.loop.webhooks import surprising

PATH = "/api/v1/warehouse/return/list"
PAGE_SIZE = 100
PAGE_SIZE_MAX = 750
DAYS_MAX = 120
FILTERS = ("created_at", "updated_at")
_DAY = timedelta(days=1)


class _Wrong(ValueError):
    """A parameter that cannot be understood."""


class Api:
    """Answers whoever has the key, 300 calls a minute."""

    def __init__(self, channel: Channel[LoopOptions], platform: Platform) -> None:
        self._channel = channel
        self._platform = platform
        self._calls: deque[float] = deque()

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        return [web.get(PATH, self.returns)]

    async def returns(self, request: web.Request) -> web.Response:
        """Returns of a period, the oldest first; all at once unless pages are asked for."""
        channel = self._channel
        await channel.work()
        if request.headers.get("X-Authorization") != channel.options.api_key:
            channel.counters.add("unauthorized_401")
            return web.json_response({"message": "Unauthorized"}, status=401)
        throttled = channel.faults.fires("throttle")
        if throttled:
            channel.counters.add("throttle_faults")
        if throttled or self._is_too_often():
            channel.counters.add("throttled_429")
            return web.json_response({"message": "Too Many Requests"}, status=429)
        try:
            query, first = _asked(request.query)
            found = self._found(query)
            size = _size(query) if "paginate" in query else max(1, len(found))
        except ValueError as error:
            return web.json_response({"message": str(error)}, status=422)
        channel.counters.add("lists")
        page = found[first : first + size]
        links = {
            "nextPageUrl": _url(request, query, first + size)
            if first + size < len(found)
            else None,
            "previousPageUrl": _url(request, query, max(0, first - size)) if first else None,
        }
        rows = [surprising(channel, it.as_json()) for it in page]
        return web.json_response({"returns": rows, **links})

    def _is_too_often(self) -> bool:
        now_s = self._channel.clock.monotonic_s()
        while self._calls and self._calls[0] <= now_s - 60:
            self._calls.popleft()
        if len(self._calls) >= self._channel.options.calls_per_min:
            return True
        self._calls.append(now_s)
        return False

    def _found(self, query: Mapping[str, str]) -> list[Return]:
        by = query.get("filter", "created_at")
        if by not in FILTERS:
            raise _Wrong(f"filter must be {' or '.join(FILTERS)}")
        until = _instant(query, "to", self._channel.clock.now())
        since = _instant(query, "from", until - _DAY)
        if until - since > DAYS_MAX * _DAY:
            raise _Wrong(f"from and to are more than {DAYS_MAX} days apart")
        found = [
            (at, it)
            for it in self._platform.returns.values()
            if since <= (at := it.created_at if by == "created_at" else it.updated_at) <= until
            and query.get("state", it.state) == it.state
        ]
        return [it for _, it in sorted(found, key=lambda each: (each[0], each[1].number))]


def _asked(query: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """What is asked for, and how many come before it; a cursor carries both on."""
    if "cursor" not in query:
        return dict(query), 0
    try:
        asked, first = json.loads(base64.urlsafe_b64decode(query["cursor"]))
    except ValueError:
        raise _Wrong("cursor is not one that was given") from None
    return asked, first


def _url(request: web.Request, query: Mapping[str, str], first: int) -> str:
    cursor = base64.urlsafe_b64encode(json.dumps([dict(query), first]).encode()).decode()
    return f"{request.scheme}://{request.host}{PATH}?{urlencode({'cursor': cursor})}"


def _size(query: Mapping[str, str]) -> int:
    size = int(query.get("pageSize", PAGE_SIZE))
    if not 1 <= size <= PAGE_SIZE_MAX:
        raise _Wrong(f"pageSize must be from 1 to {PAGE_SIZE_MAX}")
    return size


def _instant(query: Mapping[str, str], name: str, default: datetime) -> datetime:
    if name not in query:
        return default
    at = datetime.fromisoformat(query[name])
    # Whole seconds are meant to the end of their second.
    end = timedelta(seconds=1) if name == "to" and not at.microsecond else timedelta(0)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) + end
