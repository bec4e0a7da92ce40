"""The wire to an ERP: aiohttp under httpx's interface, and the table that says what errors mean.

httpx-aiohttp names some errors misleadingly: a server that hangs up after it got the whole request
surfaces as ``httpx.ConnectTimeout``, because aiohttp derives it from ``ClientConnectionError``.
Taken at its word that would be "never sent" and book twice. So where an httpx error was made from
an aiohttp one, the original decides.

Nothing here retries, with one exception that books nothing: aiohttp repeats a GET, once, if a
kept-alive connection turns out to be stale. It never repeats a POST.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import Enum, auto
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.canonical.exchange import Permit

#: To connect, in ms. A dead host is told from a slow one, and the rest of the deadline is for it.
CONNECT_MS_MAX: Final = 5_000
#: An unused connection is closed by us before a server's or proxy's own limit (60 s and more) does
#: it under a request: that would be an unknown outcome each time.
KEEPALIVE_S: Final = 15.0
#: Far above any ERP's concurrency, which the quotas enforce: nobody ever waits for this pool.
CONNECTIONS_MAX: Final = 200
#: Addresses that are kept ready: there are some dozens to post to, and any number to ask.
PATHS_MAX: Final = 128

_HEADERS: Final = {
    "User-Agent": "coexist",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}
_TIMEOUT: Final = httpx.Timeout(None, connect=CONNECT_MS_MAX / 1000, pool=CONNECT_MS_MAX / 1000)
_EXTENSIONS: Final = {"timeout": _TIMEOUT.as_dict()}


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


async def _left(*_: object) -> None:
    """Note on the permit in use that the request, or more of it, is on the wire."""
    permit = Permit.current()
    if permit is not None:
        permit.left()


class Transport(AiohttpTransport):
    """Says when a request has left: from then on the ERP may count it."""

    def get_client(self) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = super().get_client()
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(_left)
        tracing.on_request_chunk_sent.append(_left)
        tracing.freeze()
        session.trace_configs.append(tracing)
        return session


class Wire:
    """Sends requests to one server and hands over its answers.

    By httpx's transport rather than by its client: what that adds to a request (redirects,
    cookies, credentials of its own) none of ours may have, and every call would pay for it.
    ``transport`` replaces the network in tests.
    """

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None) -> None:
        self._base = httpx.URL(url)
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEEPALIVE_S)
        # The environment may name certificates (SSL_CERT_FILE), but no proxy.
        self._transport = transport or Transport(limits=limits, trust_env=True)
        self._located = lru_cache(PATHS_MAX)(self._locate)

    def _locate(self, path: str, query: str) -> httpx.URL:
        """Return the address of a path below the server's own; ``query`` is encoded, "" if none."""
        under = self._base.raw_path.decode().partition("?")[0].rstrip("/") + path
        joint = "&" if "?" in under else "?"
        return self._base.copy_with(raw_path=f"{under}{query and joint}{query}".encode())

    @asynccontextmanager
    async def answer(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        content: bytes | None,
    ) -> AsyncIterator[httpx.Response]:
        """Send one request; the answer's head is there, its body can be read while this lasts."""
        url = self._located(path, urlencode(params))
        request = httpx.Request(
            method, url, headers={**_HEADERS, **headers}, content=content, extensions=_EXTENSIONS
        )
        response = await self._transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
