"""JSON with exact decimals both ways: no figure ever passes through a float."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import NoReturn

DIGITS_MAX = 15
PLACES_MAX = 6


def loads(data: bytes) -> object:
    """The value; numbers with a point or exponent are `Decimal`.

    Raises `ValueError` for what is no JSON, NaN and infinities, and figures no ERP field holds.
    """
    try:
        return json.loads(data, parse_float=_decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the value is nested too deeply") from None


def dumps(value: object) -> str:
    """JSON text; a `Decimal` is written digit by digit, without exponent."""
    match value:
        case str():
            return encode_basestring(value)
        case None | bool() | int():
            return json.dumps(value)
        case Decimal():
            return format(value, "f")
        case Mapping():
            inside = (f"{encode_basestring(str(key))}:{dumps(each)}" for key, each in value.items())
            return "{" + ",".join(inside) + "}"
        case Sequence():
            return "[" + ",".join(map(dumps, value)) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} has no exact JSON form: {value!r}")


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if value.adjusted() >= DIGITS_MAX or not isinstance(exponent, int) or exponent < -PLACES_MAX:
        raise ValueError(
            f"the number {text[:40]} has more than {DIGITS_MAX} digits or {PLACES_MAX} places"
        )
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")
