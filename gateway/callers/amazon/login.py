"""Login with Amazon: one access token for all who ask, renewed before it ends.

Source: developer.amazon.com, Login with Amazon, access tokens (grant ``refresh_token``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import httpx
import msgspec

from gateway.clock import Clock
from gateway.errors import MarketUnavailable

#: Renewed so long before its end, and at most this part of its life before it.
MARGIN_S_MAX: Final = 60.0
MARGIN_PART_MAX: Final = 0.1


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the seller gave: the application and its refresh token."""

    client_id: str
    client_secret: str
    refresh_token: str


class Login:
    """Access tokens of one seller; however many ask at once, one is fetched."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, credentials: Credentials, clock: Clock
    ) -> None:
        self._client = client
        self._url = url
        self._credentials = credentials
        self._clock = clock
        self._token = ""
        self._renew_at_s = 0.0
        self._one = asyncio.Lock()

    async def token(self) -> str:
        """Return a token that is good now. Raises :class:`MarketUnavailable`."""
        async with self._one:
            if not self._token or self._clock.monotonic_s() >= self._renew_at_s:
                await self._fetch()
            return self._token

    def drop(self, token: str) -> None:
        """Forget a token that was not taken; one renewed meanwhile stays."""
        if token == self._token:
            self._token = ""

    async def _fetch(self) -> None:
        it, asked_s = self._credentials, self._clock.monotonic_s()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": it.refresh_token,
            "client_id": it.client_id,
            "client_secret": it.client_secret,
        }
        try:
            answer = await self._client.post(self._url, data=form)
            found = msgspec.json.decode(answer.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise MarketUnavailable(f"no token: {type(error).__name__}") from None
        body = found if isinstance(found, dict) else {}
        token, lifetime = body.get("access_token"), body.get("expires_in")
        if answer.status_code != 200 or not isinstance(token, str) or not token.isprintable():
            code = body.get("error")
            why = str(code)[:40] if isinstance(code, str) else "no access_token"
            raise MarketUnavailable(
                f"no token: {answer.status_code} {why}; check client_id, client_secret and "
                "refresh_token"
            )
        lasts_s = float(lifetime) if isinstance(lifetime, int) and lifetime > 0 else 300.0
        self._token = token
        margin_s = min(MARGIN_S_MAX, lasts_s * MARGIN_PART_MAX)
        self._renew_at_s = asked_s + lasts_s - margin_s
