"""Fields that are wrong: what pydantic found, said so that the sender's developer can act on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gateway.canonical.base import ALLOWED
from gateway.errors import FieldError, Invalid

Model = TypeVar("Model", bound=BaseModel)

#: Wrong fields listed in one answer; a body of 500 lines can have thousands.
ERRORS_MAX: Final = 100

#: Characters of a wrong value that are repeated in the answer.
SHOWN_CHARS: Final = 40

#: Characters of a message of our own, which may quote a value.
SAID_CHARS: Final = 200

# What pydantic says is kept, unless a channel's developer would have to know Python to read it.
_REWORDED: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a known field; remove it, or check its spelling",
    "timezone_aware": "has no offset; write an instant as in 2026-11-21T10:00:00+00:00",
}
_REWORDED_WITH_VALUE: Final = {
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "tuple_type": "must be an array",
    "too_short": "needs at least {min_length} item(s)",
    "too_long": "has more than {max_length} items",
}
# What is found by looking at a whole document, and the field of it that is wrong.
_MEANT: Final = {
    "line_twice": "/lines", "row_twice": "/lines", "two_articles": "/lines",
    "nothing_expected": "/lines", "still_expected": "/lines",
    "total_differs": "/total", "minor_unit": "/total",
}  # fmt: skip
# Messages of our own name the value themselves.
_COMPLETE: Final = frozenset({*_MEANT, "value_error"})


def validated(model: type[Model], received: object, at: str = "") -> Model:
    """Return ``received`` as ``model``; raise :class:`Invalid` with pointers that begin ``at``."""
    try:
        return model.model_validate(received)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise invalid(field_errors(details, at)) from None


def matches(form: TypeAdapter[str], text: str) -> bool:
    """Say whether ``text``, a part of an address, can be what ``form`` describes."""
    try:
        form.validate_python(text)
    except ValidationError:
        return False
    return True


def invalid(errors: Sequence[FieldError]) -> Invalid:
    """Return the error that lists ``errors``, at most :data:`ERRORS_MAX` of them."""
    count = len(errors)
    detail = "1 field is not valid" if count == 1 else f"{count} fields are not valid"
    if count > ERRORS_MAX:
        detail += f", of which the first {ERRORS_MAX} are listed"
    return Invalid(f"{detail}; correct and send again", errors[:ERRORS_MAX])


def field_errors(details: Sequence[ErrorDetails], at: str = "") -> list[FieldError]:
    """Say what pydantic found, with JSON pointers (RFC 6901) that begin with ``at``."""
    wrong = {each["loc"][:depth] for each in details for depth in range(len(each["loc"]))}
    return [
        FieldError(at + pointer(each["loc"]) + _MEANT.get(each["type"], ""), _said(each))
        for each in details
        # Pydantic counts only the items that are right: an array of wrong ones is "too short".
        if each["type"] != "too_short" or each["loc"] not in wrong
    ]


def pointer(parts: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a place in a body."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _said(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind in _REWORDED:
        return _REWORDED[kind]
    if kind in _COMPLETE:
        return _shortened(detail["msg"].removeprefix("Value error, "), SAID_CHARS)
    allowed = ALLOWED.get(detail.get("ctx", {}).get("pattern", ""))
    if kind == "string_pattern_mismatch" and allowed:
        return f"must be {allowed}; given is {shown(detail['input'])}"
    said = _REWORDED_WITH_VALUE.get(kind, "").format_map(detail.get("ctx", {})) or detail["msg"]
    return f"{said}; given is {shown(detail['input'])}"


def shown(value: object) -> str:
    """Show a value that was sent, shortened: it goes back to who sent it, never into a log."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _shortened(text, SHOWN_CHARS)


def _shortened(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[:chars]}…"
