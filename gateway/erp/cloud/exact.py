"""JSON with exact figures: money is a JSON number on this wire, and never a float on our side."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final, NoReturn

from gateway.erp.figures import BadAnswer

Json = str | int | Decimal | bool | list["Json"] | dict[str, "Json"] | None

_text: Final = json.encoder.encode_basestring_ascii

#: Far more than any price, stock or figure of ours has; a longer one is an attack or an accident.
_FIGURE_CHARS_MAX: Final = 40


def dumps(value: Json) -> str:
    """Write JSON, a ``Decimal`` digit by digit without exponent. A float is a ``TypeError``."""
    match value:
        case str():
            return _text(value)
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} has no JSON form")
            return format(value, "f")
        case dict():
            members = [f"{_text(name)}:{dumps(each)}" for name, each in value.items()]
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join([dumps(each) for each in value]) + "]"
        case bool() | int() | None:
            return json.dumps(value)
        case _:
            raise TypeError(f"{type(value).__name__} {value!r} has no exact JSON form")


def loads(body: bytes) -> Json:
    """Read JSON, figures with a point or exponent as ``Decimal``. Raises :class:`BadAnswer`."""
    try:
        read: Json = json.loads(
            body, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
        )
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"no JSON: {error}") from error
    return read


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if len(text) > _FIGURE_CHARS_MAX or abs(value.adjusted()) > _FIGURE_CHARS_MAX:
        raise ValueError(f"figure {text[:_FIGURE_CHARS_MAX]}… is too long")
    return value


def _integer(text: str) -> int:
    if len(text) > _FIGURE_CHARS_MAX:
        raise ValueError(f"figure {text[:_FIGURE_CHARS_MAX]}… is too long")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
