"""What is kept of pulling a marketplace's orders: how far it is, and what is still to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

#: Stands for an instant nobody stated.
NO_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pull:
    """How far the pulling of a channel's orders is.

    Every change until ``until`` was taken. ``page`` continues a search that was not finished, which
    goes as far as ``page_until``. ``plans`` are the token buckets of the operations, by name.
    """

    channel: str
    until: datetime
    page: str = ""
    page_until: datetime | None = None
    polled_at: datetime | None = None
    plans: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    problem: str = ""


def is_due(pull: Pull, poll_s: float, now: datetime) -> bool:
    """Say whether it is time to search again; also if the clock went back behind the last time."""
    last = pull.polled_at
    return last is None or not last <= now < last + timedelta(seconds=poll_s)


@dataclass(frozen=True, slots=True)
class NoticedLine:
    """Pieces of an article that a notification tells of; what they cost is not in it."""

    line_ref: str
    sku: str
    quantity: int
    shipped: int


@dataclass(frozen=True, slots=True)
class Noticed:
    """An order a notification told of, whose money is still to be asked for.

    ``changed_at`` is the newest change that was told, by the marketplace's clock.
    """

    channel: str
    order_ref: str
    changed_at: datetime
    status: str
    fulfilled_by: str
    lines: tuple[NoticedLine, ...]
    noticed_at: datetime
    due_at: datetime
    tries: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of a search: orders as they were sent, the next page's token, and its end."""

    orders: tuple[Mapping[str, Any], ...]
    token: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message of a queue; ``receipt`` deletes it."""

    receipt: str
    body: str
