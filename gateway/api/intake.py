"""From the bytes of a body to the JSON object they stand for, and to its digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec
from litestar.exceptions import HTTPException

from gateway.api.calls import Call
from gateway.canonical.fields import SHOWN_CHARS, shown
from gateway.errors import BadRequest, TooLarge

_decode: Final = msgspec.json.Decoder().decode

canonical: Final = msgspec.json.Encoder(order="deterministic").encode
"""Write a document as RFC 8785 would: keys sorted, no white space, shortest escapes.

Its rules for numbers are not needed: money is text, and what passed validation has no number but
integers.
"""


class Received(NamedTuple):
    """A body as it came: the object it stands for, and that object's canonical text."""

    document: dict[str, Any]
    canonical: bytes


async def read(call: Call) -> Received:
    """Return the JSON object sent.

    Raises:
        TooLarge: it has more bytes than the limit, announced or not.
        BadRequest: it is not one JSON object in UTF-8, or an object in it has a key twice.
        HTTPException: 415, it is not declared as JSON.
    """
    _check_media_type(call.headers)
    return _parse(await body(call))


def digest(address: str, text: bytes) -> bytes:
    """Return 16 bytes over a canonical text and the address it was sent to.

    ``address`` is the process and the reference: it keeps one idempotency key from covering equal
    bodies that mean two orders, as two cancellations without lines do.
    """
    hashed = blake2b(address.encode(), digest_size=16)
    hashed.update(b"\0")
    hashed.update(text)
    return hashed.digest()


def _check_media_type(headers: Mapping[bytes, bytes]) -> None:
    sent = headers.get(b"content-type", b"")
    if sent == b"application/json":
        return
    media_type, _, parameters = sent.decode("latin-1").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip('" ')
    if media_type.strip() != "application/json" or charset not in {"", "utf-8"}:
        raise HTTPException(
            f"Content-Type is {sent.decode('latin-1')[:SHOWN_CHARS]!r}; send 'application/json' "
            "in UTF-8",
            status_code=415,
        )


async def body(call: Call) -> bytes:
    """Return the bytes sent; raise :class:`TooLarge` above the limit.

    They are read here, because Litestar reports a caller that hung up as a failure of ours.
    """
    limit = call.services.settings.body_bytes_max
    announced = call.headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    count = 0
    while True:
        message = await call.request.receive()
        if message["type"] != "http.request":
            raise BadRequest("the connection was closed before the body had ended")
        chunk = message["body"]
        count += len(chunk)
        if count > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than {limit} bytes; send less at a time")


def _parse(body: bytes) -> Received:
    """Parse fast, and again with care whenever the fast parser cannot vouch for the result.

    It keeps the last of two equal keys. One that was dropped took its colon along, so a text with
    as many colons as its canonical form has no key twice; an escape could stand for a colon.
    """
    try:
        document = _decode(body)
        text = canonical(document)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return _parse_with_care(body)
    if b"\\" in body or body.count(b":") != text.count(b":") or not isinstance(document, dict):
        return _parse_with_care(body)
    return Received(document, text)


def _parse_with_care(body: bytes) -> Received:
    """Parse, naming what is wrong with the text and where."""
    try:
        document = _decoder.decode(body.decode())
        if not isinstance(document, dict):
            raise BadRequest(f"the body is {shown(document)}; send one JSON object")
        return Received(document, canonical(document))
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 at byte {error.start}; send UTF-8") from None
    except UnicodeEncodeError:
        raise BadRequest("the body has half of a surrogate pair (\\ud800 to \\udfff)") from None
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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse what parsers disagree on: which of two equal keys counts."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"an object of the body has the key {shown(twice)} twice; send it once")
    return fields


def _no_constant(name: str) -> object:
    raise BadRequest(f"the body has {name}, which is not JSON; amounts are strings like '19.95'")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
