"""The bearer token: fetched once for all who wait, renewed before it expires."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from gateway.canonical.outcome import Busy
from gateway.clock import Clock
from gateway.erp.cloud.exact import loads
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Http, Reply
from gateway.erp.meaning import Answer, Means, means
from gateway.erp.retry_after import retry_after_ms

#: An answer we ask for while a document waits. Entra answers within a second or is in trouble.
TOKEN_MS_MAX: Final = 10_000
#: Renewed so long before its end that a request on its way still arrives with a good one …
MARGIN_S_MAX: Final = 60.0
#: … but of a short-lived token this part of its life at most, or it would never be used.
MARGIN_PART_MAX: Final = 0.1
#: What RFC 6749 leaves to us where ``expires_in`` is missing or senseless.
LIFETIME_S_DEFAULT: Final = 300.0

ANSWERS: Final = (
    Answer(200, Means.RENEW, "a token, if there is one in it"),
    Answer(400, Means.FAULT, "the grant, the scope or the tenant"),
    Answer(401, Means.FAULT, "the client id or the secret"),
    Answer(403, Means.FAULT, "what the client may do"),
    Answer(404, Means.FAULT, "the address or the tenant"),
    Answer(429, Means.CLOSED, "asks for a pause"),
    Answer(500, Means.CLOSED, "failed; no document was sent, so nothing is unknown"),
    Answer(503, Means.CLOSED, "asks for a pause, or is away"),
)
"""What a status of the token endpoint means. Any other closes too: without a token nothing goes."""

#: RFC 6750's b64token. Anything else would not survive as a header.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class Tokens:
    """Tokens of one client. Getting one never sends a document, so all that goes wrong is Busy."""

    def __init__(self, http: Http, path: str, grant: Mapping[str, str], clock: Clock) -> None:
        self._http = http
        self._path = path
        self._form = urlencode({"grant_type": "client_credentials", **grant}).encode()
        self._clock = clock
        self._token = ""
        self._renew_at_s = 0.0
        self._fetching: asyncio.Task[str | Busy] | None = None

    async def get(self, until: float) -> str | Busy:
        """Return a token that is good for now, before the loop time ``until``."""
        if self._token and self._clock.monotonic_s() < self._renew_at_s:
            return self._token
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        try:
            # Shielded: whoever gives up must not take the token from those who still wait.
            async with asyncio.timeout_at(until):
                return await asyncio.shield(self._fetching)
        except TimeoutError:
            return Busy("no token before the deadline; the request was not sent")

    def drop(self, token: str) -> None:
        """Forget a token the ERP did not take; one renewed meanwhile stays."""
        if token == self._token:
            self._token = ""

    async def close(self) -> None:
        """Stop fetching."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fetched(self, _: asyncio.Task[str | Busy]) -> None:
        self._fetching = None

    async def _fetch(self) -> str | Busy:
        asked_s = self._clock.monotonic_s()
        reply = await self._http.call(
            "POST",
            self._path,
            until=self._http.deadline(TOKEN_MS_MAX),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=self._form,
        )
        if not isinstance(reply, Reply):
            return Busy(f"no token: {reply.detail}", closes=True)
        if reply.status != 200:
            return self._refused(reply)
        try:
            token, lifetime_s = _read(reply.body)
        except BadAnswer as error:
            detail = f"no token: {reply.call}: {error}"  # the body may hold a secret
            return Busy(detail, closes=True)
        margin_s = min(MARGIN_S_MAX, lifetime_s * MARGIN_PART_MAX)
        self._token, self._renew_at_s = token, asked_s + lifetime_s - margin_s
        return token

    def _refused(self, reply: Reply) -> Busy:
        # The bytes of an error body (RFC 6749, 5.2) hold a code, never the credentials.
        wait_ms = retry_after_ms(reply.headers, self._clock.now())
        meaning = means(ANSWERS, reply.status, worded=False, paused=wait_ms is not None)
        if meaning is Means.FAULT:
            remedy = "check the client id, the secret, the scope and the tenant"
            return Busy(f"no token: {reply} ({remedy})", closes=True, misconfigured=True)
        return Busy(f"no token: {reply}", retry_after_ms=wait_ms, closes=True)


def _read(body: bytes) -> tuple[str, float]:
    answer = loads(body)
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise BadAnswer("no access_token in the answer")
    lifetime = answer.get("expires_in")
    if isinstance(lifetime, str) and lifetime.isascii() and lifetime.isdigit():
        lifetime = int(lifetime)  # as older endpoints send it
    if isinstance(lifetime, int | Decimal) and not isinstance(lifetime, bool) and lifetime > 0:
        return token, float(lifetime)
    return token, LIFETIME_S_DEFAULT
