"""Enquiries that shoppers and tills wait for: stock, price, product."""

from __future__ import annotations

from typing import Final

from litestar import Controller, get
from litestar.types import ASGIApp
from pydantic import BaseModel, TypeAdapter

from gateway.api import describe
from gateway.api.answers import NO_STORE, Answer
from gateway.api.calls import AnyRequest, Call, admit
from gateway.canonical.base import ShortText, Sku
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.fields import matches
from gateway.canonical.process import PROCESSES, Kind
from gateway.errors import Invalid, NotFound
from gateway.routing.facts import Facts

_SKU: Final = TypeAdapter(Sku)
_WORDS: Final = TypeAdapter(ShortText)

#: What an enquiry may name, of what rules may route it by, beside its channel and entity.
_OPTIONAL: Final = {
    name: tuple(it for it in process.basis if it not in {"channel", "legal_entity"})
    for name, process in PROCESSES.items()
    if process.kind is Kind.READ
}


class MasterData(Controller):
    """Reads of stock and master data; each is answered by the system the rules name."""

    path = "/v1"
    tags = ("enquiries",)

    @get(
        "/inventory/{sku:str}",
        summary="Read what may be promised of a SKU",
        operation_class=describe.read(
            Availability, describe.SKU, describe.LEGAL_ENTITY, *describe.ROUTED_BY
        ),
    )
    async def availability(self, request: AnyRequest) -> ASGIApp:
        """Return the pieces of a SKU that may be promised now."""
        call = admit(request, "read")
        facts = _facts(call, "inventory.availability")
        return _answer(await call.services.enquiries.availability(facts))

    @get(
        "/prices/{sku:str}",
        summary="Read the sales price of a SKU",
        operation_class=describe.read(
            Price,
            describe.SKU,
            describe.LEGAL_ENTITY,
            *describe.ROUTED_BY,
            describe.CUSTOMER_GROUP,
        ),
    )
    async def price(self, request: AnyRequest) -> ASGIApp:
        """Return the price of one piece."""
        call = admit(request, "read")
        facts = _facts(call, "catalog.price")
        return _answer(await call.services.enquiries.price(facts))

    @get(
        "/products/{sku:str}",
        summary="Read what a SKU is",
        operation_class=describe.read(
            Product, describe.SKU, describe.LEGAL_ENTITY_OPTIONAL, *describe.ROUTED_BY
        ),
    )
    async def product(self, request: AnyRequest) -> ASGIApp:
        """Return a product. Its text is the same for all entities, so naming one is optional."""
        call = admit(request, "read")
        facts = _facts(call, "catalog.product", call.channel.legal_entities[0])
        return _answer(await call.services.enquiries.product(facts))


def _facts(call: Call, process: str, entity_by_default: str = "") -> Facts:
    """Return what the rules may look at; a text that can be no SKU is asked of no system."""
    sku: str = call.request.path_params["sku"]
    named = call.request.query_params.get("legal_entity", entity_by_default)
    legal_entity = call.checks.entity_asked_for(call.channel, named)
    if not matches(_SKU, sku):
        raise NotFound(f"no item with SKU {sku!r} is known; check the SKU")
    return Facts(
        process=process,
        channel=call.channel.name,
        legal_entity=legal_entity,
        sku=sku,
        **_routed_by(call, process),
    )


def _routed_by(call: Call, process: str) -> dict[str, str]:
    """Return what else of the process's basis was named; a store has to be one there is."""
    asked = call.request.query_params
    found = {name: asked.get(name, "") for name in _OPTIONAL[process]}
    for name, value in found.items():
        if value and not matches(_WORDS, value):
            raise Invalid(f"{name} {value[:40]!r} is not a short text of at most 40 characters")
    if found["store"]:
        call.checks.store_asked_for(found["store"])
    return found


def _answer(found: BaseModel) -> Answer:
    return Answer(200, found.model_dump_json().encode(), NO_STORE)
