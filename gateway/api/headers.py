"""Request headers with a meaning of their own: Idempotency-Key, Prefer, X-Request-Id."""

from __future__ import annotations

import re
from itertools import count
from typing import Final

from gateway.api.calls import Call
from gateway.clock import token_bits
from gateway.errors import BadRequest

_KEY: Final = re.compile(rb"[\x20-\x7e]{1,255}")
_REQUEST_ID_MAX: Final = 2**64 - 1
# Tells requests apart and keeps nothing secret: counted on from where chance began.
_NUMBERS: Final = count(token_bits(64))
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# RFC 7240: preferences are separated by commas, which may also stand inside quoted words.
_PREFERENCE: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')
_WAIT: Final = re.compile(r'\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?', re.IGNORECASE)


def idempotency_key(call: Call) -> str | None:
    """Return the ``Idempotency-Key``, if one was sent; raise :class:`BadRequest` if unreadable."""
    if b"idempotency-key" not in call.headers:
        return None
    sent = _all(call, b"idempotency-key")
    if len(sent) > 1:
        raise BadRequest(f"Idempotency-Key was sent {len(sent)} times; send it once")
    if not is_idempotency_key(sent[0]):
        raise BadRequest(
            f"Idempotency-Key has {len(sent[0])} bytes of which some may be unreadable; "
            "send 1 to 255 printable ASCII characters, such as a UUID"
        )
    return sent[0].decode("ascii")


def is_idempotency_key(sent: bytes) -> bool:
    """Say whether ``sent`` can be an ``Idempotency-Key``."""
    return _KEY.fullmatch(sent) is not None


def refuse_idempotency_key(call: Call) -> None:
    """Raise :class:`BadRequest` if a key came with a batch: one key cannot stand for many items."""
    if b"idempotency-key" in call.headers:
        raise BadRequest(
            "Idempotency-Key is not used for batches: each item is keyed by its receipt (store, "
            "business date, register, sequence); leave the header out"
        )


def wait_s(call: Call) -> float:
    """Return for how long the caller prefers to wait, at most ``wait_s_max``; 0 is not at all.

    RFC 7240: the first ``wait`` counts, and what is not understood is ignored.
    """
    if b"prefer" not in call.headers:
        return 0
    sent = ",".join(value.decode("latin-1") for value in _all(call, b"prefer"))
    for preference in _PREFERENCE.findall(sent):
        wait = _WAIT.fullmatch(preference)
        if wait is not None:
            return min(float(wait[1]), call.services.settings.wait_s_max)
    return 0


def request_id(sent: bytes | None) -> bytes:
    """Return the caller's ``X-Request-Id`` if it is a plain word, else a new one."""
    if sent is not None and _REQUEST_ID.fullmatch(sent):
        return sent
    return b"%016x" % (next(_NUMBERS) & _REQUEST_ID_MAX)


def _all(call: Call, name: bytes) -> list[bytes]:
    return [value for known, value in call.request.scope["headers"] if known == name]
