"""From the bytes of a body to a canonical document, or to the list of all that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
from litestar.exceptions import ClientException, HTTPException
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.api.auth import Call
from gateway.errors import BadRequest, FieldError, Invalid, TooLarge

Model = TypeVar("Model", bound=BaseModel)

#: Wrong fields listed in one answer; a body of 500 lines can have thousands.
ERRORS_MAX: Final = 100

_SHOWN_CHARS: Final = 40
_canonical = msgspec.json.Encoder(order="deterministic").encode

# What pydantic says is kept, unless a channel's developer would have to know pydantic to read it.
_REWORDED: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a known field; remove it, or check its spelling",
    "timezone_aware": "has no offset; write an instant as in 2026-11-21T10:00:00+00:00",
}
# Messages of our own, which name the value themselves.
_COMPLETE: Final = frozenset({*_REWORDED, "value_error", "line_twice", "total_differs", "minor_unit"})


async def read(call: Call) -> dict[str, Any]:
    """Return the JSON object sent.

    Raises:
        TooLarge: it has more bytes than the limit, announced or not.
        BadRequest: it is not one JSON object in UTF-8, or an object in it has a key twice.
        HTTPException: 415, it is not declared as JSON.
    """
    _check_media_type(call.headers)
    return _parse(await _body(call))


def validated(model: type[Model], received: Any, at: str = "") -> Model:
    """Return ``received`` as ``model``; raise :class:`Invalid` with pointers that begin with ``at``."""
    try:
        return model.model_validate(received)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise invalid(field_errors(details, at)) from None


def invalid(errors: Sequence[FieldError]) -> Invalid:
    """Return the error that lists ``errors``, at most :data:`ERRORS_MAX` of them."""
    count = len(errors)
    detail = "1 field is not valid" if count == 1 else f"{count} fields are not valid"
    if count > ERRORS_MAX:
        detail += f", of which the first {ERRORS_MAX} are listed"
    return Invalid(f"{detail}; correct and send again", errors[:ERRORS_MAX])


def field_errors(details: Iterable[ErrorDetails], at: str = "") -> list[FieldError]:
    """Say what pydantic found, with JSON pointers (RFC 6901) that begin with ``at``."""
    return [FieldError(at + pointer(each["loc"]), _said(each)) for each in details]


def pointer(parts: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a place in a body."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def digest(scope: str, received: Mapping[str, Any]) -> bytes:
    """Return 16 bytes over a received document and what its address says (``scope``).

    The form is that of RFC 8785: keys sorted, no white space, shortest escapes. Its rules for
    numbers are not needed: money is text, and a document that passed validation has no number
    but integers. ``scope`` keeps one idempotency key from covering equal bodies sent to two
    addresses, as two cancellations without lines are.
    """
    hashed = blake2b(scope.encode(), digest_size=16)
    hashed.update(b"\0")
    hashed.update(_canonical(received))
    return hashed.digest()


def _check_media_type(headers: Mapping[bytes, bytes]) -> None:
    sent = headers.get(b"content-type", b"")
    if sent == b"application/json":
        return
    media_type, _, parameters = sent.decode("latin-1").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip('" ')
    if media_type.strip() != "application/json" or charset not in {"", "utf-8"}:
        raise HTTPException(
            f"Content-Type is {sent.decode('latin-1')[:_SHOWN_CHARS]!r}; send 'application/json' "
            "in UTF-8",
            status_code=415,
        )


async def _body(call: Call) -> bytes:
    try:
        return await call.request.body()
    except ClientException as error:
        if error.status_code != 413:
            raise
        raise TooLarge(
            f"the body has more than {call.services.settings.body_bytes_max} bytes; send less at a "
            "time"
        ) from None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        received = _decoder.decode(body.decode())
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the body is not UTF-8 at byte {error.start}; send JSON in UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}; "
            "send one JSON object"
        ) from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply; send it as the schema says") from None
    except ValueError:
        # What is left is Python's bound on the digits of an integer.
        raise BadRequest("the body has a number that is too long; see the schema") from None
    if not isinstance(received, dict):
        raise BadRequest(f"the body is {_shown(received)}; send one JSON object")
    return received


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse what parsers disagree on: which of two equal keys counts."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"an object of the body has the key {_shown(twice)} twice; send it once")
    return fields


def _no_constant(name: str) -> Any:
    raise BadRequest(f"the body has {name}, which is not JSON; amounts are strings like '19.95'")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def _said(detail: ErrorDetails) -> str:
    kind = detail["type"]
    said = _REWORDED.get(kind) or detail["msg"].removeprefix("Value error, ")
    return said if kind in _COMPLETE else f"{said}; given is {_shown(detail['input'])}"


def _shown(value: Any) -> str:
    """Show a value that was sent, shortened: it goes back to who sent it, never into a log."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
