"""Customers' data in what staff look at: masked, unless somebody who may asks to see it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.canonical.unmapped import UNMAPPED

MASK: Final = "•••"

#: Objects of a document that describe a person; what was received and not understood may.
PERSONAL: Final = frozenset({"customer", "ship_to", "bill_to", UNMAPPED})

#: What XML says: between tags, and in attributes.
_TEXT: Final = re.compile(r">[^<>]+<")
_ATTRIBUTE: Final = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")

#: Fields of those that say nothing of who it is, and that staff need to put things right.
KEPT: Final = frozenset({"ref", "group", "country", "region", "problems"})


def masked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with every personal text replaced; its form stays."""
    return {name: _masked(name, value) for name, value in body.items()}


def form_of(received: str) -> str:
    """Return what a channel sent, JSON or XML, with everything it says replaced; its form stays."""
    if received.lstrip().startswith("<"):
        return _ATTRIBUTE.sub(f'="{MASK}"', _TEXT.sub(f">{MASK}<", received))
    try:
        return json.dumps(_form(json.loads(received)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return MASK


def _form(value: object) -> object:
    if isinstance(value, dict):
        return {key: _form(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_form(each) for each in value]
    return value if value is None or value == "" or isinstance(value, bool) else MASK


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
