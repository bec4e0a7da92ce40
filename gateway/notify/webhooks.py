"""Webhooks: one signed POST, as the Standard Webhooks specification has it.

``webhook-id`` stays the same through retries, so that a receiver takes a repeat for one;
``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``, under
the secret, of which the part behind ``whsec_`` is base64 (standardwebhooks.com).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import httpx

from gateway.canonical.guardrail import Notice
from gateway.clock import Clock
from gateway.errors import ConfigError

#: A receiver that takes longer is told again.
POST_S: Final = 5.0

_PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to post, and the secret that both sides know."""

    url: str
    secret: str


class Webhooks:
    """Implements :class:`gateway.ports.Notifier`."""

    def __init__(self, webhooks: Mapping[str, Webhook], clock: Clock) -> None:
        self._webhooks = dict(webhooks)
        self._keys = {name: key_of(name, it.secret) for name, it in webhooks.items()}
        self._clock = clock
        # Made when first needed: most processes never tell anybody anything.
        self._client: httpx.AsyncClient | None = None

    async def post(self, notice: Notice) -> str:
        """Post it once; return "" if it was taken, else why not."""
        webhook = self._webhooks.get(notice.webhook)
        if webhook is None:
            return f"no webhook is called {notice.webhook!r} any more"
        timestamp = str(int(self._clock.now().timestamp()))
        body = notice.body.encode()
        headers = {
            "content-type": "application/json",
            "webhook-id": notice.notice_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(
                self._keys[notice.webhook], notice.notice_id, timestamp, body
            ),
        }
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=POST_S)
        try:
            answer = await self._client.post(webhook.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"
        return "" if answer.is_success else f"answered {answer.status_code}"

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


def signature(key: bytes, notice_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    signed = f"{notice_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()


def key_of(name: str, secret: str) -> bytes:
    """Return the key of a secret; raise :class:`~gateway.errors.ConfigError` if it has none."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(
            f"webhooks.{name}.secret: what follows whsec_ is not base64; take the secret over as "
            "the receiver shows it"
        ) from None
