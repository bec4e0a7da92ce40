"""The resources of a company: what a request finds there, whether it came alone or in a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from simulators.catalogue import COMPANIES
from simulators.cloud import exact
from simulators.cloud.bodies import Asked, read_body
from simulators.cloud.customers import CUSTOMER, ENTITY, customer_view, read_customer
from simulators.cloud.errors import ODataError, bad_request
from simulators.cloud.filters import Edm, Value, parse_filter
from simulators.cloud.records import PAGE, Record, Records, item_view
from simulators.cloud.resources import ITEM, RESOURCES, Resource
from simulators.cloud.validation import would_be
from simulators.customers import CustomerRow
from simulators.options import CloudOptions
from simulators.shell import Shell

QUERY_OPTIONS: Final = ("$filter", "$top")
_PATH: Final = re.compile(r"/companies\(([^()/]*)\)/([A-Za-z]+)(/[A-Za-z.]+)?")


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. `outer` is the HTTP request it came in: what faults cut is that."""

    outer: web.Request
    method: str
    path: str
    query: Mapping[str, str]
    content: bytes


class Pages:
    """Answers operations on the resources of all companies."""

    def __init__(self, shell: Shell[CloudOptions], records: Records) -> None:
        self._shell = shell
        self._records = records

    async def answer(self, call: Call) -> web.StreamResponse:
        """Carry out one operation. Raises `ODataError` or `Refusal`."""
        parts = _PATH.fullmatch(call.path)
        if parts is None:
            raise ODataError(404, "BadRequest_NotFound", f"No resource at '{call.path}'.")
        company, resource, action = _company(parts[1]), parts[2], parts[3]
        match (call.method, resource, action):
            case ("GET", "items", None):
                return self.items(call, company)
            case ("GET", "customers", None):
                return self.customers(call, company)
            case ("POST", "customers", None):
                return await self.create_customer(call, company)
            case ("GET", _, None):
                return self.look_up(call, company, _resource(resource))
            case ("POST", _, None):
                return await self.create(call, company, _resource(resource))
            case ("POST", _, "/Coexist.validate"):  # of a per-tenant extension
                return self.validate(call, company, _resource(resource))
            case (_, _, None):
                message = f"{call.method} is not allowed on '{resource}'."
                raise ODataError(405, "BadRequest_MethodNotAllowed", message)
            case _:
                raise ODataError(404, "BadRequest_NotFound", f"No action at '{call.path}'.")

    async def create(self, call: Call, company: str, resource: Resource) -> web.StreamResponse:
        """POST: deep insert; 201 means booked."""
        asked = self._asked(call, company, resource)
        context = _context(call, company, resource.path) + "/$entity"

        def created(record: Record) -> web.Response:
            return json_answer({"@odata.context": context, **record.view}, 201)

        return await self._shell.deliver(
            call.outer, lambda: self._records.book(resource, asked), created
        )

    def validate(self, call: Call, company: str, resource: Resource) -> web.Response:
        """POST to the action: the document as a POST would book it, or why it would not."""
        asked = self._asked(call, company, resource)
        self._shell.counters.add("validated")
        context = _context(call, company, resource.path) + "/$entity"
        return json_answer({"@odata.context": context, **would_be(resource, asked)})

    def look_up(self, call: Call, company: str, resource: Resource) -> web.Response:
        """GET with `$filter`: the documents that match, at most a page."""
        wanted, top = _query(call.query, resource.properties, resource.entity)
        found = [record.view for record in self._records.find(resource, company, wanted)]
        return _listed(call, company, resource.path, found[:top])

    def items(self, call: Call, company: str) -> web.Response:
        """GET items: stock, price and product in one."""
        wanted, top = _query(call.query, ITEM, "Microsoft.NAV.item")
        trade = self._shell.trade
        number = wanted.get("number")
        skus = [number] if isinstance(number, str) else list(trade.items)
        found = [
            view
            for view in (
                item_view(trade.items[sku], trade.stock(company, sku))
                for sku in skus
                if sku in trade.items
            )
            if all(view[name] == value for name, value in wanted.items())
        ]
        return _listed(call, company, "items", found[:top])

    def customers(self, call: Call, company: str) -> web.Response:
        """GET customers, by any of their properties."""
        wanted, top = _query(call.query, CUSTOMER, ENTITY)
        now_s = self._shell.clock.monotonic_s()
        seen = [it for it in self._shell.trade.customers.rows if it.visible_s <= now_s]
        views = [customer_view(it) for it in seen if it.company == company]
        found = [it for it in views if all(it.get(name) == v for name, v in wanted.items())]
        return _listed(call, company, "customers", found[:top])

    async def create_customer(self, call: Call, company: str) -> web.StreamResponse:
        """POST: 201 means created, however often the same one was before."""
        asked = read_customer(call.content)
        context = _context(call, company, "customers") + "/$entity"

        def create() -> CustomerRow:
            return self._shell.create_customer(
                reference=asked.get("externalReference", ""),
                company=company,
                name=asked["displayName"],
                city=asked.get("city", ""),
                country=asked.get("country", ""),
                email=asked.get("email", ""),
            )

        def created(row: CustomerRow) -> web.Response:
            return json_answer({"@odata.context": context, **customer_view(row)}, 201)

        return await self._shell.deliver(call.outer, create, created)

    def _asked(self, call: Call, company: str, resource: Resource) -> Asked:
        asked = read_body(call.content, resource, company, self._shell.trade.items)
        self._shell.trade.check(asked.draft)
        return asked


def json_answer(
    body: dict[str, object], status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """An OData answer."""
    return web.Response(
        status=status,
        text=exact.dumps(body),
        content_type="application/json",
        headers={"OData-Version": "4.0", **(headers or {})},
    )


def _company(company: str) -> str:
    if company not in COMPANIES:
        raise ODataError(
            404, "Internal_CompanyNotFound", f"The company '{company}' does not exist."
        )
    return company


def _resource(path: str) -> Resource:
    if path not in RESOURCES:
        message = f"Resource not found for the segment '{path}'."
        raise ODataError(404, "BadRequest_NotFound", message)
    return RESOURCES[path]


def _query(
    query: Mapping[str, str], properties: dict[str, Edm], entity: str
) -> tuple[dict[str, Value], int]:
    """The values asked for and how many entries at most."""
    for name in query:
        if name.startswith("$") and name not in QUERY_OPTIONS:
            raise bad_request(f"The query option '{name}' is not supported: {QUERY_OPTIONS}")
    top = query.get("$top", str(PAGE))
    if not top.isascii() or not top.isdigit() or len(top) > 9:
        raise bad_request(f"The value '{top}' of $top is not a whole number from 0")
    text = query.get("$filter")
    wanted = {} if text is None else parse_filter(text, properties, entity)
    return wanted, min(int(top), PAGE)


def _listed(call: Call, company: str, path: str, found: list[dict[str, object]]) -> web.Response:
    return json_answer({"@odata.context": _context(call, company, path), "value": found})


def _context(call: Call, company: str, path: str) -> str:
    return f"http://{call.outer.host}/api/v2.0/$metadata#companies({company})/{path}"
