"""Customers' data in what staff look at: masked, unless somebody who may asks to see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.canonical.unmapped import UNMAPPED

MASK: Final = "•••"

#: Objects of a document that describe a person; what was received and not understood may.
PERSONAL: Final = frozenset({"customer", "ship_to", "bill_to", UNMAPPED})

#: Fields of those that say nothing of who it is, and that staff need to put things right.
KEPT: Final = frozenset({"ref", "group", "country", "region", "problems"})


def masked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with every personal text replaced; its form stays."""
    return {name: _masked(name, value) for name, value in body.items()}


def _masked(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _within(name, key, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(name, each) for each in value]
    return value


def _within(name: str, key: str, value: object) -> object:
    if name in PERSONAL and key not in KEPT:
        return MASK if value else value
    return _masked(key, value)
