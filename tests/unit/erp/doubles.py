"""Stand-ins for the world around an adapter: a clock that stands still, a server in memory."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx
import respx

from gateway.canonical.exchange import Timing
from gateway.erp import CloudAccess, CloudErp, LegacyAccess, LegacyErp
from tests.unit.erp.envelopes import AT

LEGACY = "http://legacy.example.com"
CLOUD = "http://cloud.example.com"
IDOC = f"{LEGACY}/sap/bc/idoc_xml"
SOAP = f"{LEGACY}/sap/bc/soap/rfc"
TOKEN = f"{CLOUD}/acme/oauth2/v2.0/token"
API = f"{CLOUD}/api/v2.0/companies(NL01)"
TIMING = Timing(request_ms=2_000, absent_final_ms=10_000, poll_ms=100)


class StillClock:
    """Time stands still until :meth:`pass_s`."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.passed_s)

    def monotonic_s(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += seconds
        await asyncio.sleep(0)

    def pass_s(self, seconds: float) -> None:
        self.passed_s += seconds


def legacy(server: respx.Router, clock: StillClock | None = None) -> LegacyErp:
    """A legacy adapter that talks to ``server``."""
    access = LegacyAccess(LEGACY, "GATEWAY", "made-up")
    transport = httpx.MockTransport(server.async_handler)
    return LegacyErp(access, TIMING, clock or StillClock(), transport)


def cloud(server: respx.Router, clock: StillClock | None = None, **access: object) -> CloudErp:
    """A cloud adapter that talks to ``server``, which gives tokens unless told otherwise."""
    if not any(route.name == "token" for route in server.routes):
        server.post(TOKEN, name="token").respond(
            json={"token_type": "Bearer", "expires_in": 3600, "access_token": "good"}
        )
    transport = httpx.MockTransport(server.async_handler)
    given = CloudAccess(CLOUD, "acme", "gateway", "made-up", "api", **access)  # type: ignore[arg-type]
    return CloudErp(given, TIMING, clock or StillClock(), transport)


def soap(content: str) -> str:
    """A SOAP envelope around ``content``."""
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f"{content}</s:Body></s:Envelope>"
    )


def rows(table: str, *items: dict[str, str]) -> str:
    """The answer of an RFC function with one table."""
    inside = "".join(
        "<item>" + "".join(f"<{k}>{v}</{k}>" for k, v in item.items()) + "</item>" for item in items
    )
    namespace = 'xmlns:n="urn:sap-com:document:sap:rfc:functions"'
    return soap(f"<n:Z.Response {namespace}><{table}>{inside}</{table}></n:Z.Response>")


def fields(**values: str) -> str:
    """The answer of an RFC function with single fields."""
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return soap(f"<Z.Response>{inside}</Z.Response>")


def fault(code: str) -> str:
    """A SOAP fault."""
    inside = f"<faultcode>{code}</faultcode><faultstring>why</faultstring>"
    return soap(f"<s:Fault>{inside}</s:Fault>")
