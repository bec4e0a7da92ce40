"""One HTTP client for all dialects, and the table that says what its errors mean.

The transport is aiohttp under httpx's interface. httpx-aiohttp names some errors misleadingly: a
server that hangs up after it got the whole request surfaces as ``httpx.ConnectTimeout``, because
aiohttp derives it from ``ClientConnectionError``. Taken at its word that would be "never sent" and
book twice. So where an httpx error was made from an aiohttp one, the original decides.

Nothing here retries, with one exception that books nothing: aiohttp repeats a GET, once, if a
kept-alive connection turns out to be stale. It never repeats a POST.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.canonical.exchange import Permit
from gateway.canonical.outcome import Busy, Unknown
from gateway.errors import ConfigError
from gateway.policy.quotas import verdict

#: To connect, in ms. A dead host is told from a slow one, and the rest of the deadline is for it.
CONNECT_MS_MAX: Final = 5_000
#: An unused connection is closed by us before a server's or proxy's own limit (60 s and more) does
#: it under a request: that would be an unknown outcome each time.
KEEPALIVE_S: Final = 15.0
#: Far above any ERP's concurrency, which the quotas enforce: nobody ever waits for this pool.
CONNECTIONS_MAX: Final = 200
#: No answer we ask for comes near it; a larger one is not worth the memory to understand.
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
EXCERPT_CHARS_MAX: Final = 200


class Fate(Enum):
    """What became of a request that got no answer."""

    UNREACHED = auto()  #: no connection came about: nothing was sent, nobody is there
    UNSENT = auto()  #: nothing was sent, for a reason on our side
    UNSURE = auto()  #: some of it may have been sent, and anything may come of that


_UNREACHED, _UNSENT, _UNSURE = Fate.UNREACHED, Fate.UNSENT, Fate.UNSURE

FATES: Final[dict[type[BaseException], Fate]] = {
    # --- httpx, as its own transport and test doubles raise it
    httpx.ConnectError: _UNREACHED,
    httpx.ConnectTimeout: _UNREACHED,
    httpx.PoolTimeout: _UNSENT,
    httpx.UnsupportedProtocol: _UNSENT,
    httpx.InvalidURL: _UNSENT,
    httpx.CookieConflict: _UNSURE,
    httpx.ReadTimeout: _UNSURE,
    httpx.WriteTimeout: _UNSURE,
    httpx.TimeoutException: _UNSURE,
    httpx.ReadError: _UNSURE,
    httpx.WriteError: _UNSURE,
    httpx.CloseError: _UNSURE,
    httpx.NetworkError: _UNSURE,
    httpx.ProxyError: _UNSURE,
    httpx.LocalProtocolError: _UNSURE,  # may strike in the middle of a body
    httpx.RemoteProtocolError: _UNSURE,  # "server disconnected without sending a response"
    httpx.ProtocolError: _UNSURE,
    httpx.TransportError: _UNSURE,
    httpx.DecodingError: _UNSURE,  # an answer came and could not be unpacked
    httpx.TooManyRedirects: _UNSURE,
    httpx.RequestError: _UNSURE,
    httpx.HTTPStatusError: _UNSURE,
    httpx.HTTPError: _UNSURE,
    httpx.StreamConsumed: _UNSURE,
    httpx.StreamClosed: _UNSURE,
    httpx.ResponseNotRead: _UNSURE,
    httpx.RequestNotRead: _UNSURE,
    httpx.StreamError: _UNSURE,
    # --- aiohttp: only what its connector raises came before the first byte
    aiohttp.ClientConnectorError: _UNREACHED,
    aiohttp.ClientConnectorDNSError: _UNREACHED,
    aiohttp.ClientSSLError: _UNREACHED,  # the handshake and the certificate, before any request
    aiohttp.ClientProxyConnectionError: _UNREACHED,
    aiohttp.ServerFingerprintMismatch: _UNREACHED,
    aiohttp.ConnectionTimeoutError: _UNREACHED,  # of connecting; the pool is never full
    aiohttp.InvalidURL: _UNSENT,
    aiohttp.InvalidUrlClientError: _UNSENT,
    aiohttp.NonHttpUrlClientError: _UNSENT,
    aiohttp.ServerDisconnectedError: _UNSURE,  # also a kept-alive connection that had gone stale
    aiohttp.ServerTimeoutError: _UNSURE,
    aiohttp.SocketTimeoutError: _UNSURE,
    aiohttp.ServerConnectionError: _UNSURE,
    aiohttp.ClientConnectionResetError: _UNSURE,
    aiohttp.ClientOSError: _UNSURE,
    aiohttp.ClientConnectionError: _UNSURE,
    aiohttp.ClientHttpProxyError: _UNSURE,
    aiohttp.ClientPayloadError: _UNSURE,
    aiohttp.ContentTypeError: _UNSURE,
    aiohttp.WSServerHandshakeError: _UNSURE,
    aiohttp.TooManyRedirects: _UNSURE,
    aiohttp.ClientResponseError: _UNSURE,  # among others: bytes that are no HTTP answer
    aiohttp.RedirectClientError: _UNSURE,
    aiohttp.InvalidUrlRedirectClientError: _UNSURE,
    aiohttp.NonHttpUrlRedirectClientError: _UNSURE,
    aiohttp.ClientError: _UNSURE,
    # --- ours: the call's deadline, and what the system says of a socket
    TimeoutError: _UNSURE,
    OSError: _UNSURE,
}
"""What each error of a call says about the request. Complete over httpx's exceptions (tested)."""

FOREIGN: Final = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    aiohttp.ClientError,
    OSError,
)
"""The roots of everything a call can raise; anything else is a bug of ours and is not caught."""


def fate_of(error: BaseException) -> Fate:
    """Look an error up in :data:`FATES`, by the aiohttp error it was made from if there is one."""
    original = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    for kind in type(original).__mro__:
        if kind in FATES:
            return FATES[kind]
    return Fate.UNSURE


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end and unpacked. ``call`` is "POST /path", for messages."""

    call: str
    status: int
    headers: httpx.Headers
    body: bytes

    def __str__(self) -> str:
        """Return call, status and how the body begins, for staff."""
        text = " ".join(self.body[: 4 * EXCERPT_CHARS_MAX].decode(errors="replace").split())
        return f"{self.call}: {self.status} {text[:EXCERPT_CHARS_MAX]}".rstrip()


Silence = Busy | Unknown
"""What a call without an answer means."""


async def _left(*_: object) -> None:
    """Note on the permit in use that the request, or more of it, is on the wire."""
    permit = Permit.current()
    if permit is not None:
        permit.left()


class _Transport(AiohttpTransport):
    """Says when a request has left: from then on the ERP may count it."""

    def get_client(self) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = super().get_client()
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(_left)
        tracing.on_request_chunk_sent.append(_left)
        tracing.freeze()
        session.trace_configs.append(tracing)
        return session


class Http:
    """Calls one server. Every call has a deadline and ends in a :class:`Reply` or a silence.

    ``transport`` replaces the network in tests.
    """

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=_checked(url),
            # The environment may name certificates (SSL_CERT_FILE), but no proxy.
            transport=transport or _Transport(limits=_LIMITS, trust_env=True),
            timeout=httpx.Timeout(None, connect=CONNECT_MS_MAX / 1000, pool=CONNECT_MS_MAX / 1000),
            headers={"User-Agent": "coexist"},
            follow_redirects=False,
            trust_env=False,
        )

    def deadline(self, within_ms: int) -> float:
        """Return the loop time ``within_ms`` from now, for the calls of one piece of work."""
        return asyncio.get_running_loop().time() + within_ms / 1000

    async def call(
        self,
        method: str,
        path: str,
        *,
        until: float,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply | Silence:
        """Send one request, once, and read its answer before the deadline ``until``."""
        call = f"{method} {path}"
        permit = Permit.current()
        if permit is not None and not permit.good:
            return Busy(f"{call}: not sent, its permit had run out before")
        answered = False
        try:
            async with (
                asyncio.timeout_at(until),
                self._client.stream(
                    method, path, headers=headers, params=params, content=content
                ) as response,
            ):
                answered = True
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MAX:
                        return Unknown(f"{call}: the answer is above {BODY_BYTES_MAX} bytes")
                reply = Reply(call, response.status_code, response.headers, bytes(body))
        except FOREIGN as error:
            if permit is not None:
                permit.ended("gone" if isinstance(error, TimeoutError) else "fail")
            return _silence(call, error, _UNSURE if answered else fate_of(error))
        if permit is not None:
            fault = "xml" in reply.headers.get("content-type", "")
            permit.ended(verdict(reply.status, fault=fault))
        return reply

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


_LIMITS: Final = httpx.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEEPALIVE_S)


def _silence(call: str, error: BaseException, fate: Fate) -> Silence:
    detail = f"{call}: {type(error.__cause__ or error).__name__}: {error}".rstrip(": ")
    if fate is Fate.UNSURE:
        return Unknown(detail)
    return Busy(detail, closes=fate is Fate.UNREACHED)


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"ERP address {url!r}: {error}; give one such as {_EXAMPLE}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"ERP address {url!r} is no http(s) address; give one such as {_EXAMPLE}")
    if parsed.userinfo:
        raise ConfigError(
            f"the ERP address of host {parsed.host!r} holds credentials; give them apart from it"
        )
    return url


_EXAMPLE: Final = "'https://erp.example.com:8443'"
