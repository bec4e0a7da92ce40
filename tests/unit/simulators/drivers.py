"""Drives the simulators the way a caller does: over HTTP, against a server on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import httpx

from simulators.cloud import exact
from simulators.cloud.erp import cloud_erp
from simulators.legacy.erp import legacy_erp
from simulators.options import CloudOptions, LegacyOptions
from simulators.server import Server

QUICK: dict[str, Any] = {"latency_ms_min": 0.0, "latency_ms_max": 0.0, "old_orders": 0}
QUICK_LEGACY: dict[str, Any] = {**QUICK, "posting_interval_s": 0.02}
PATIENCE_S = 5.0
PAUSE_S = 0.01


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def monotonic_s(self) -> float:
        return self.at_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at_s, UTC)


async def soon(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it holds, for `PATIENCE_S` at most."""
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        if await holds():
            return
        await asyncio.sleep(PAUSE_S)
    raise AssertionError(f"did not come about within {PATIENCE_S} s")


class Control:
    """The control API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def books(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.client.get("/control/books", params=query)
        documents: list[dict[str, Any]] = answer.raise_for_status().json()["documents"]
        return documents

    async def counters(self) -> dict[str, int]:
        answer = await self.client.get("/control/counters")
        counters: dict[str, int] = answer.raise_for_status().json()
        return counters

    async def fault(self, name: str, **parameters: object) -> None:
        answer = await self.client.put(f"/control/faults/{name}", json=parameters)
        assert answer.status_code == 200, answer.text

    async def setting(self, **values: object) -> None:
        answer = await self.client.put("/control/settings", json=values)
        assert answer.status_code == 200, answer.text

    async def until(self, counter: str, value: int) -> None:
        """Wait, not for ever, until a counter has a value."""

        async def reached() -> bool:
            return (await self.counters())[counter] == value

        await soon(reached)


# ---------------------------------------------------------------------- legacy


@dataclass
class Legacy(Control):
    """A caller of the legacy simulator, signed in."""

    client: httpx.AsyncClient

    async def post(self, *idocs: str) -> httpx.Response:
        packet = f"<PACKET>{''.join(idocs)}</PACKET>"
        return await self.client.post("/sap/bc/idoc_xml?sap-client=100", content=packet)

    async def store(self, *idocs: str) -> list[str]:
        answer = await self.post(*idocs)
        assert answer.status_code == 200, answer.text
        return [element.text or "" for element in fromstring(answer.text).iter("DOCNUM")]

    async def posted(self, *idocs: str) -> list[dict[str, str]]:
        """Store, wait for the batch run, and return the statuses."""
        docnums = await self.store(*idocs)
        await self.until("pending_postings", 0)
        return await self.statuses(*docnums)

    async def statuses(self, *docnums: str) -> list[dict[str, str]]:
        items = "".join(f"<item>{docnum}</item>" for docnum in docnums)
        return rows(await self.call("Z_IDOC_STATUS", f"<DOCNUMS>{items}</DOCNUMS>"))

    async def find(self, reference: str, kind: str = "") -> list[dict[str, str]]:
        content = f"<REFERENCE>{reference}</REFERENCE><KIND>{kind}</KIND>"
        return rows(await self.call("Z_DOCUMENT_BY_REFERENCE", content))

    async def call(self, function: str, content: str) -> Element:
        """The answer's element, or the Fault."""
        answer = await self.client.post("/sap/bc/soap/rfc", content=envelope(function, content))
        return next(iter(fromstring(answer.text)[0]))


def envelope(function: str, content: str) -> str:
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<f:{function} xmlns:f="urn:sap-com:document:sap:rfc:functions">{content}</f:{function}>'
        "</e:Body></e:Envelope>"
    )


def rows(answer: Element) -> list[dict[str, str]]:
    return [{field.tag: field.text or "" for field in item} for item in answer.iter("item")]


def fields(element: Element) -> dict[str, str]:
    return {field.tag: field.text or "" for field in element}


@asynccontextmanager
async def legacy(**options: Any) -> AsyncIterator[Legacy]:
    """A legacy simulator with quick defaults, served on a free port."""
    shell = legacy_erp(LegacyOptions(**{**QUICK_LEGACY, **options}))
    server = Server(shell)
    await server.start()
    auth = (shell.options.user, shell.options.password)
    try:
        async with httpx.AsyncClient(base_url=server.url, auth=auth) as client:
            yield Legacy(client)
    finally:
        await server.stop()


def idoc(message: str, content: str, document_type: str = "ORDERS05") -> str:
    control = f"<IDOCTYP>{document_type}</IDOCTYP><MESTYP>{message}</MESTYP>"
    return f'<IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">{control}</EDI_DC40>{content}</IDOC>'


def order_line(line: int, sku: str, quantity: str, price: str, net: str) -> str:
    return (
        f"<E1EDP01><POSEX>{line * 10:06d}</POSEX><MENGE>{quantity}</MENGE><MENEE>EA</MENEE>"
        f"<VPREI>{price}</VPREI><NETWR>{net}</NETWR>"
        f"<E1EDP19><QUALF>002</QUALF><IDTNR>{sku}</IDTNR></E1EDP19></E1EDP01>"
    )


TWO_TEES = order_line(1, "TEE-BLK-M", "2", "19.95", "39.90")
ONE_CAP = order_line(2, "CAP-NVY-ONE", "1", "17.50", "17.50")


def order_idoc(
    external: str = "CX-1",
    reference: str = "SHOP-1",
    *,
    lines: str = TWO_TEES,
    sums: str = "",
    document_type: str = "ZOR",
    company: str = "NL01",
    currency: str = "EUR",
    day: str = "20261121",
) -> str:
    return idoc(
        "ORDERS",
        f"<E1EDK01><CURCY>{currency}</CURCY><BSART>{document_type}</BSART>"
        f"<BELNR>{external}</BELNR></E1EDK01>"
        f"<E1EDK14><QUALF>008</QUALF><ORGID>{company}</ORGID></E1EDK14>"
        f"<E1EDK03><IDDAT>022</IDDAT><DATUM>{day}</DATUM></E1EDK03>"
        f"<E1EDK02><QUALF>001</QUALF><BELNR>{reference}</BELNR></E1EDK02>{lines}{sums}",
    )


def cancel_idoc(external: str, reference: str, **quantities: str) -> str:
    """Cancel the order, or of it the lines given as l1="2"."""
    lines = "".join(
        f"<E1EDP01><POSEX>{int(name[1:]) * 10:06d}</POSEX><ACTION>003</ACTION>"
        f"<MENGE>{quantity}</MENGE></E1EDP01>"
        for name, quantity in quantities.items()
    )
    return idoc(
        "ORDCHG",
        f"<E1EDK01><ACTION>003</ACTION><BELNR>{external}</BELNR></E1EDK01>"
        f"<E1EDK02><QUALF>001</QUALF><BELNR>{reference}</BELNR></E1EDK02>{lines}",
    )


def sale_idoc(
    external: str = "CX-S", *, store: str = "NL-001", total: str = "19.95", tender: str = "19.95"
) -> str:
    return idoc(
        "WPUBON",
        f"<E1WPB01><POSKREIS>{store}</POSKREIS><KASSID>1</KASSID><VORGDATUM>20261121</VORGDATUM>"
        f"<BONNUMMER>000017</BONNUMMER><CURRENCY>EUR</CURRENCY><BELNR>{external}</BELNR>"
        "<E1WPB02><POSNR>1</POSNR><ARTNR>TEE-BLK-M</ARTNR><MENGE>1</MENGE><PREIS>19.95</PREIS>"
        f"<UMSWERT>19.95</UMSWERT></E1WPB02><E1WPB03><SUMME>{total}</SUMME></E1WPB03>"
        f"<E1WPB06><ZAHLART>cash</ZAHLART><SUMME>{tender}</SUMME></E1WPB06></E1WPB01>",
        "WPUBON01",
    )


# ---------------------------------------------------------------------- cloud


@dataclass
class Cloud(Control):
    """A caller of the cloud simulator, holding a token once `sign_in` was called."""

    client: httpx.AsyncClient

    async def token(self, **form: str) -> httpx.Response:
        credentials = {
            "grant_type": "client_credentials",
            "client_id": "gateway",
            "client_secret": "gateway-cloud",
            "scope": "https://api.example.com/.default",
        }
        return await self.client.post(
            "/made-up-tenant/oauth2/v2.0/token", data={**credentials, **form}
        )

    async def sign_in(self) -> str:
        token: str = (await self.token()).raise_for_status().json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {token}"
        return token

    async def post(
        self, resource: str, body: Mapping[str, object], company: str = "NL01"
    ) -> httpx.Response:
        return await self.client.post(
            f"/api/v2.0/companies({company})/{resource}",
            content=exact.dumps(body),
            headers={"Content-Type": "application/json"},
        )

    async def get(
        self, resource: str, wanted: str | None = None, company: str = "NL01"
    ) -> httpx.Response:
        query = {} if wanted is None else {"$filter": wanted}
        return await self.client.get(f"/api/v2.0/companies({company})/{resource}", params=query)

    async def find(self, resource: str, wanted: str) -> list[dict[str, Any]]:
        answer = (await self.get(resource, wanted)).raise_for_status()
        found: list[dict[str, Any]] = answer.json(parse_float=Decimal)["value"]
        return found


@asynccontextmanager
async def cloud(clock: HandClock | None = None, **options: Any) -> AsyncIterator[Cloud]:
    """A cloud simulator with quick defaults, served on a free port, and a signed-in caller."""
    server = Server(cloud_erp(CloudOptions(**{**QUICK, **options}), clock))
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            caller = Cloud(client)
            await caller.sign_in()
            yield caller
    finally:
        await server.stop()


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code, message of an OData error."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]
