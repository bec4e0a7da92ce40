"""Searches over orders: filters of both versions, a page at a time, tokens that carry them on."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.amazon.orders import Order
from simulators.amazon.stamps import stamp

PAGE_MAX = 100
#: The end of a search must be so far in the past.
_SLACK = timedelta(seconds=1)


class InvalidInput(ValueError):
    """A parameter the API refuses."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched: orders by creation or by update, within [after, before]."""

    by_update: bool
    after: str
    before: str
    statuses: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    first: int = 0
    #: What else the token has to carry.
    more: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Orders, the oldest change first, and the token of the next page, "" for the last."""

    orders: tuple[Order, ...]
    token: str


def values(
    query: Mapping[str, str], all_of: Callable[[str], Iterable[str]], name: str
) -> list[str]:
    """A list, whether it is repeated or has commas."""
    if name not in query:
        return []
    return [part.strip() for text in all_of(name) for part in text.split(",") if part.strip()]


def window(
    query: Mapping[str, str], names: tuple[str, str, str, str], now: datetime, lag_s: float
) -> Wanted:
    """Read the period of a search; ``names``: created after, before, updated after, before.

    Raises `InvalidInput`.
    """
    created, created_to, updated, updated_to = names
    if (created in query) == (updated in query):
        raise InvalidInput(f"exactly one of {created} and {updated} must be given")
    by_update = updated in query
    first, last = (updated, updated_to) if by_update else (created, created_to)
    latest = now - timedelta(seconds=lag_s)
    after = _instant(query, first)
    before = _instant(query, last) if last in query else latest
    if before > latest + _SLACK:
        raise InvalidInput(f"{last} must be at least {lag_s:g} seconds before the request")
    return Wanted(by_update, stamp(after), stamp(before))


def page_of(orders: Iterable[Order], wanted: Wanted, most: int) -> Page:
    """Cut a page."""

    def at(order: Order) -> str:
        return stamp(order.updated if wanted.by_update else order.created)

    found = sorted(
        (it for it in orders if wanted.after <= at(it) <= wanted.before and _fits(it, wanted)),
        key=lambda it: (at(it), it.id),
    )
    end = wanted.first + most
    token = _written(wanted, end) if end < len(found) else ""
    return Page(tuple(found[wanted.first : end]), token)


def continued(token: str) -> Wanted:
    """Read a token. Raises `InvalidInput`."""
    try:
        held: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.encode()))
        held["statuses"], held["by"] = tuple(held["statuses"]), tuple(held["by"])
        return Wanted(**held)
    except (ValueError, KeyError, TypeError):
        raise InvalidInput("the pagination token is not one this marketplace gave") from None


def limit(query: Mapping[str, str], name: str) -> int:
    """Orders a page. Raises `InvalidInput`."""
    text = query.get(name, str(PAGE_MAX))
    if not text.isdigit() or not 1 <= int(text) <= PAGE_MAX:
        raise InvalidInput(f"{name} must be from 1 to {PAGE_MAX}")
    return int(text)


def _fits(order: Order, wanted: Wanted) -> bool:
    by = "AMAZON" if order.by_amazon else "MERCHANT"
    return (not wanted.statuses or order.status in wanted.statuses) and (
        not wanted.by or by in wanted.by
    )


def _written(wanted: Wanted, first: int) -> str:
    held = {name: getattr(wanted, name) for name in Wanted.__slots__} | {"first": first}
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode()


def _instant(query: Mapping[str, str], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(query[name].replace(" ", "+"))
    except ValueError:
        raise InvalidInput(f"{name} is no ISO 8601 instant") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
