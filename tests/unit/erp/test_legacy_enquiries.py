"""Enquiries of the legacy adapter: canonical terms, or no answer that names an ERP."""

from __future__ import annotations

from decimal import Decimal

import pytest
import respx

from gateway.errors import ErpUnavailable
from tests.unit.erp.doubles import SOAP, fault, fields, legacy, rows

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> respx.Router:
    return respx.Router(assert_all_called=False)


async def test_enquiries_in_canonical_terms(server: respx.Router) -> None:
    erp = legacy(server)
    server.post(SOAP).respond(200, text=fields(QTY="12.900", MEINS="ST"))
    stock = await erp.availability("TEE", "NL01")
    assert stock is not None
    assert stock.model_dump(exclude={"as_of"}) == {
        "sku": "TEE", "legal_entity": "NL01", "available": 12, "unit": "EA",
    }  # fmt: skip
    server.post(SOAP).respond(200, text=fields(PRICE="19.9", CURRENCY="EUR", TAXINCL="X"))
    price = await erp.price("TEE", "NL01")
    assert price is not None
    assert (price.unit_price, price.tax_included) == (Decimal("19.90"), True)
    assert price.model_dump(mode="json")["unit_price"] == "19.90"
    text = fields(MAKTX="T-shirt &amp; more", EAN11="2000000041070", MEINS="PAA", TAXKM="2")
    server.post(SOAP).respond(200, text=text)
    product = await erp.product("TEE", "NL01")
    assert product is not None
    assert product.model_dump() == {
        "sku": "TEE", "name": "T-shirt & more", "ean": "2000000041070", "tax_category": "reduced",
        "unit": "PR",
    }  # fmt: skip


@pytest.mark.parametrize("code", ["MATERIAL_NOT_FOUND", "s:MATERIAL_NOT_FOUND"])
async def test_an_unknown_material_is_none(server: respx.Router, code: str) -> None:
    server.post(SOAP).respond(500, text=fault(code))
    erp = legacy(server)
    assert await erp.availability("X", "NL01") is None
    assert await erp.price("X", "NL01") is None
    assert await erp.product("X", "NL01") is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, fields(QTY="many", PRICE="dear", CURRENCY="EUR", MEINS="EA")),
        (200, fields(QTY="1.0")),
        (200, fields(PRICE="1.00", CURRENCY="Euro", QTY="1", MEINS="", MAKTX="x", TAXKM="1")),
        (500, fault("SOAP-ENV:Server")),
        (503, "busy"),
        (200, "<html/>"),
    ],
)
async def test_an_enquiry_nobody_answers_is_unavailable_and_names_no_erp(
    server: respx.Router, status: int, body: str
) -> None:
    server.post(SOAP).respond(status, text=body)
    erp = legacy(server)
    for ask in (erp.availability, erp.price, erp.product):
        with pytest.raises(ErpUnavailable) as caught:
            await ask("TEE", "NL01")
        assert "legacy" not in caught.value.detail.lower()
        assert "sap" not in caught.value.detail.lower()


async def order_in(server: respx.Router, *items: dict[str, str]) -> bool:
    server.post(SOAP).respond(200, text=rows("DOCUMENTS", *items))
    return await legacy(server).has_order("webshop", "SHOP-1", "NL01")


async def test_has_order_counts_what_is_or_will_be_booked(server: respx.Router) -> None:
    assert await order_in(server, {"DOCNUM": "1", "STATUS": "53", "VBELN": "9"})
    assert await order_in(server, {"DOCNUM": "1", "STATUS": "64"})
    assert not await order_in(server)
    assert not await order_in(server, {"DOCNUM": "1", "STATUS": "51"})
    assert "<KIND>ORDER_REF</KIND>" in server.calls.last.request.content.decode()


async def test_has_order_decides_nothing_by_an_unclear_answer(server: respx.Router) -> None:
    with pytest.raises(ErpUnavailable):
        await order_in(server, {"DOCNUM": "1", "STATUS": "52"})
    server.post(SOAP).respond(503)
    with pytest.raises(ErpUnavailable):
        await legacy(server).has_order("webshop", "SHOP-1", "NL01")
