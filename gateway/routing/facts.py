"""The facts a decision may look at, and the decision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.canonical.process import Target


class Facts(NamedTuple):
    """What is known about a request before it is routed; "" means it does not apply.

    ``business_date`` is ISO 8601 (``2026-11-21``), so that text order is date order.
    """

    process: str
    channel: str = ""
    legal_entity: str = ""
    country: str = ""
    region: str = ""
    store: str = ""
    node: str = ""
    brand: str = ""
    category: str = ""
    customer_group: str = ""
    business_date: str = ""
    customer_ref: str = ""
    order_ref: str = ""
    sku: str = ""


def shared(values: Iterable[str]) -> str:
    """Return what all parts of a request say alike, as the node of its lines; "" if they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


class Decision(NamedTuple):
    """Where a request goes, and under which rule of which version that was decided.

    ``target`` is None for a follow-up: the owner of its business object decides.
    """

    target: Target | None
    rule_id: str
    version: str
    reason: str
    shadow: Target | None = None
