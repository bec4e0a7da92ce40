"""Reading what a channel sends, tolerantly: nothing unexpected stops what can be read.

Numbers with a point are read as decimals, never as binary fractions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from gateway.errors import BadRequest

Payload = Mapping[str, Any]

ZERO: Final = Decimal(0)

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]+")
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?", re.ASCII)


def read(body: bytes) -> dict[str, Any]:
    """Return the object a body carries; raise :class:`BadRequest` if it is none."""
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError, InvalidOperation) as error:
        raise BadRequest(f"the body is not JSON: {str(error)[:80]}") from None
    if not isinstance(found, dict):
        raise BadRequest("the body is no JSON object")
    return found


def objects(of: Payload, name: str) -> list[Payload]:
    """Return the objects of a list; what is no list, or no object in it, is left out."""
    return [it for it in _list(of.get(name)) if isinstance(it, Mapping)]


def inner(of: Payload, name: str) -> Payload:
    """Return an object, empty if there is none."""
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def texts(of: Payload, name: str) -> list[str]:
    """Return the texts of a list."""
    return [it for it in _list(of.get(name)) if isinstance(it, str) and it]


def text(of: Payload, name: str, chars_max: int = 120) -> str:
    """Return a text in one line, cut to ``chars_max``; a number as its digits, else ""."""
    found = of.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        return ""
    return _CONTROL.sub(" ", found).strip()[:chars_max].strip()


def number(of: Payload, name: str) -> int | None:
    """Return a whole number, None for anything else."""
    found = of.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def decimal(given: object, name: str) -> Decimal:
    """Return the amount that stands there; raise :class:`ValueError` if it is none."""
    if isinstance(given, Decimal):
        given = f"{given:f}" if given.is_finite() and abs(given.adjusted()) < 20 else "?"
    plain = str(given).strip() if isinstance(given, str | int) else ""
    if isinstance(given, bool) or not _AMOUNT.fullmatch(plain):
        raise ValueError(f"{name} is no amount")
    return Decimal(plain)


def instant(of: Payload, name: str) -> datetime | None:
    """Return a point in time, None if there is none that could be read."""
    try:
        found = datetime.fromisoformat(text(of, name, 40))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def plain(value: Decimal) -> str:
    """Write an amount as canonical documents do: at least two places, no zeros behind them."""
    if value == value.quantize(Decimal("0.01")):
        return f"{value:.2f}"
    return f"{value.normalize():f}"


def _list(value: object) -> Iterator[object]:
    return iter(value if isinstance(value, Sequence) and not isinstance(value, str) else ())
