"""Lists of orders as the Admin API gives them: filters, a page at a time, cursors both ways."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.shopify.orders import Order

LIMIT_DEFAULT = 50
LIMIT_MAX = 250
_STATUSES = ("any", "open", "closed", "cancelled")
_INSTANTS = ("created_at", "updated_at", "processed_at")


class PageError(ValueError):
    """A parameter that cannot be understood."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Page:
    """A page; ``cursors`` are (rel, page_info), ``matching`` counts over all pages."""

    orders: tuple[Order, ...]
    cursors: tuple[tuple[str, str], ...]
    limit: int
    matching: int


def page_of(orders: Sequence[Order], query: Mapping[str, str]) -> Page:
    """Filter and cut. Raises `PageError`.

    With ``page_info`` only ``limit`` and ``fields`` may be given besides: the cursor carries the
    filters, as published.
    """
    limit = _limit(query.get("limit"))
    first, filters = (
        0,
        {name: text for name, text in query.items() if name not in ("limit", "fields")},
    )
    if "page_info" in filters:
        if len(filters) > 1:
            raise PageError("page_info", "no other filters may be given with it")
        first, filters = _cursor(filters["page_info"])
    found = sorted(
        _matching(orders, filters), key=_sort_key(filters), reverse=_newest_first(filters)
    )
    cursors = []
    if first > 0:
        cursors.append(("previous", _written(max(0, first - limit), filters)))
    if first + limit < len(found):
        cursors.append(("next", _written(first + limit, filters)))
    return Page(tuple(found[first : first + limit]), tuple(cursors), limit, len(found))


def _matching(orders: Sequence[Order], filters: Mapping[str, str]) -> list[Order]:
    status = filters.get("status", "open")
    if status not in _STATUSES:
        raise PageError("status", f"must be one of {', '.join(_STATUSES)}")
    found = [it for it in orders if _has_status(it, status)]
    if "ids" in filters:
        ids = {part.strip() for part in filters["ids"].split(",")}
        found = [it for it in found if str(it["id"]) in ids]
    if "since_id" in filters:
        since = int(filters["since_id"])
        found = [it for it in found if it["id"] > since]
    if filters.get("financial_status", "any") != "any":
        found = [it for it in found if it["financial_status"] == filters["financial_status"]]
    for name in _INSTANTS:
        least, most = _instant(filters, f"{name}_min"), _instant(filters, f"{name}_max")
        if least is not None:
            found = [it for it in found if datetime.fromisoformat(it[name]) >= least]
        if most is not None:
            found = [it for it in found if datetime.fromisoformat(it[name]) <= most]
    return found


def _has_status(order: Order, status: str) -> bool:
    if status == "cancelled":
        return bool(order["cancelled_at"])
    if status == "closed":
        return bool(order["closed_at"])
    return status == "any" or not order["closed_at"]


def _instant(filters: Mapping[str, str], name: str) -> datetime | None:
    if name not in filters:
        return None
    try:
        at = datetime.fromisoformat(filters[name].replace(" ", "+"))
    except ValueError:
        raise PageError(name, "is not an ISO 8601 date") from None
    return at if at.tzinfo else at.astimezone()


def _sort_key(filters: Mapping[str, str]) -> Any:  # noqa: ANN401 -- a key function
    name = filters.get("order", "created_at desc").split(" ")[0]
    if "since_id" in filters:
        name = "id"
    if name not in ("id", *_INSTANTS):
        raise PageError("order", f"cannot sort by {name}")
    return lambda order: (order[name], order["id"])


def _newest_first(filters: Mapping[str, str]) -> bool:
    return "since_id" not in filters and not filters.get("order", "").lower().endswith(" asc")


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT_DEFAULT
    if not text.isdigit() or not 1 <= int(text) <= LIMIT_MAX:
        raise PageError("limit", f"must be from 1 to {LIMIT_MAX}")
    return int(text)


def _written(first: int, filters: Mapping[str, str]) -> str:
    text = json.dumps({"first": first, "filters": dict(filters)})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _cursor(text: str) -> tuple[int, dict[str, str]]:
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode()))
        return int(value["first"]), dict(value["filters"])
    except (ValueError, KeyError, TypeError):
        raise PageError("page_info", "is not a cursor this shop gave") from None
