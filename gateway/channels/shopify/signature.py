"""Who sent a webhook: HMAC-SHA256 over the bytes as received, base64, under the app's secret.

After a rotation the old secret may go on signing for an hour, so any of two is accepted.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence


def signature(body: bytes, secret: str) -> bytes:
    """Return what ``X-Shopify-Hmac-Sha256`` says of ``body``."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256"))


def is_signed(body: bytes, sent: bytes, secrets: Sequence[str]) -> bool:
    """Say whether ``sent`` signs ``body``; how long that takes tells nothing about a wrong one."""
    matches = [hmac.compare_digest(signature(body, secret), sent) for secret in secrets]
    return any(matches)
