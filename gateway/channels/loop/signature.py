r"""Who sent a webhook of Loop: HMAC-SHA256, base64, over the body as its sender writes it.

What is signed is not what is sent: slashes are escaped (``\/``) and newlines left out before the
signature is made, and neither need be so in what arrives. Both ways of writing are one JSON text,
so either may be signed. That the hash is SHA-256 is not published.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

_BARE_SLASH: Final = re.compile(rb"(?<!\\)/")


def as_signed(body: bytes) -> bytes:
    """Return a body as Loop signs it."""
    return _BARE_SLASH.sub(rb"\\/", body.replace(b"\r", b"").replace(b"\n", b""))


def signature(body: bytes, secret: str) -> bytes:
    """Return what ``X-Loop-Signature`` says of ``body``."""
    return b64encode(hmac.digest(secret.encode(), as_signed(body), "sha256"))


def is_signed(body: bytes, sent: bytes, secrets: Sequence[str]) -> bool:
    """Say whether ``sent`` signs ``body``, as Loop writes it or as it arrived."""
    matches = [
        hmac.compare_digest(b64encode(hmac.digest(secret.encode(), text, "sha256")), sent)
        for secret in secrets
        for text in (as_signed(body), body)
    ]
    return any(matches)
