"""One HTTP client for all dialects: every call has a deadline, and ends in an answer or a silence.

What an error of a call means is in :mod:`gateway.erp.wire`, which is loaded with the first call:
most commands call no ERP, and aiohttp takes longer to load than many of them take to run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from gateway.canonical.exchange import Permit
from gateway.canonical.outcome import Busy, Unknown
from gateway.clock import Clock
from gateway.erp.retry_after import retry_after_ms
from gateway.errors import ConfigError
from gateway.policy.quotas import verdict

if TYPE_CHECKING:
    from gateway.erp.wire import Fate, Wire

#: No answer we ask for comes near it; a larger one is not worth the memory to understand.
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
EXCERPT_CHARS_MAX: Final = 200

#: Answers with which an ERP may ask all of us for silence (RFC 9110, 10.2.3; RFC 6585, 4).
PAUSES: Final = (429, 503)


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


class Http:
    """Calls one server. Every call has a deadline and ends in a :class:`Reply` or a silence.

    ``transport`` replaces the network in tests.
    """

    def __init__(
        self, url: str, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = _checked(url)
        self._clock = clock
        self._transport = transport
        self._wire: Wire | None = None

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
        from gateway.erp import wire  # noqa: PLC0415 -- see above

        if self._wire is None:
            self._wire = wire.Wire(self._url, self._transport)
        call = f"{method} {path}"
        permit = Permit.current() or Permit.free(self._clock.monotonic_s)
        if not permit.good:
            return Busy(f"{call}: not sent, its permit had run out before")
        permit.begins(len(content or b""))
        answered = False
        try:
            async with (
                asyncio.timeout_at(until),
                self._wire.answer(method, path, headers or {}, params or {}, content) as response,
            ):
                answered = True
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MAX:
                        return Unknown(f"{call}: the answer is above {BODY_BYTES_MAX} bytes")
                reply = Reply(call, response.status_code, response.headers, bytes(body))
        except wire.FOREIGN as error:
            permit.ended("gone" if isinstance(error, TimeoutError) else "fail")
            return _silence(call, error, wire.Fate.UNSURE if answered else wire.fate_of(error))
        except asyncio.CancelledError:
            if permit.left_s is not None:
                permit.ended("cut")
            raise
        self._note(permit, reply)
        return reply

    def _note(self, permit: Permit, reply: Reply) -> None:
        """Note how the ERP fares, and for how long it wants to be left alone."""
        fault = "xml" in reply.headers.get("content-type", "")
        closes_ms = None
        if reply.status in PAUSES:
            closes_ms = retry_after_ms(reply.headers, self._clock.now())
        permit.ended(verdict(reply.status, fault=fault), closes_ms or 0)

    async def close(self) -> None:
        """Close all connections."""
        if self._wire is not None:
            await self._wire.close()


def _silence(call: str, error: BaseException, fate: Fate) -> Silence:
    detail = f"{call}: {type(error.__cause__ or error).__name__}: {error}".rstrip(": ")
    if fate is fate.UNSURE:
        return Unknown(detail)
    return Busy(detail, closes=fate is fate.UNREACHED)


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
