from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio.to_thread
import pytest
import requests
from zeep import Client
from zeep.exceptions import Fault
from zeep.transports import Transport

from tests.unit.simulators.drivers import (
    Legacy,
    cancel_idoc,
    envelope,
    fields,
    legacy,
    order_idoc,
    sale_idoc,
)

pytestmark = pytest.mark.anyio


# ---------------------------------------------------------------------- a foreign client


def call_everything(url: str) -> dict[str, Any]:
    """What zeep, knowing only the WSDL, makes of every function."""
    with requests.Session() as session:
        make_transport: Any = Transport  # zeep has no annotations
        transport = make_transport(session=session)
        session.auth = ("GATEWAY", "gateway-legacy")
        make_client: Any = Client
        service = make_client(f"{url}/sap/bc/soap/rfc?wsdl", transport=transport).service
        answers: dict[str, Any] = {
            "stock": service.Z_STOCK_ENQUIRY(MATNR="TEE-BLK-M", BUKRS="NL01"),
            "price": service.Z_PRICE_ENQUIRY(MATNR="TEE-BLK-M", BUKRS="NL01"),
            "product": service.Z_PRODUCT_ENQUIRY(MATNR="TEE-BLK-M"),
            "documents": service.Z_DOCUMENT_BY_REFERENCE(REFERENCE="CX-1"),
            "orders": service.Z_DOCUMENT_BY_REFERENCE(REFERENCE="SHOP-1", KIND="ORDER_REF"),
            "nothing": service.Z_DOCUMENT_BY_REFERENCE(REFERENCE="CX-none"),
        }
        docnum = answers["documents"][0].DOCNUM
        answers["statuses"] = service.Z_IDOC_STATUS(DOCNUMS={"item": [docnum]})
        with pytest.raises(Fault) as caught:
            service.Z_PRODUCT_ENQUIRY(MATNR="NOPE")
        answers["fault"] = caught.value
        return answers


async def test_zeep_reads_the_wsdl_and_calls_every_function() -> None:
    async with legacy() as erp:
        await erp.posted(order_idoc())
        answers = await anyio.to_thread.run_sync(call_everything, str(erp.client.base_url))
    assert (Decimal("2048.000"), "EA") == (answers["stock"].QTY, answers["stock"].MEINS)
    assert Decimal("19.95") == answers["price"].PRICE
    assert (answers["price"].CURRENCY, answers["price"].TAXINCL) == ("EUR", "X")
    assert answers["product"].MAKTX == "Crew-neck T-shirt black, M"
    assert (answers["product"].EAN11, answers["product"].TAXKM) == ("2000000041148", "standard")
    assert not answers["nothing"]
    (document,) = answers["documents"]
    assert (document.STATUS, document.KIND, document.OUTCOME) == ("53", "order", None)
    assert answers["orders"][0].DOCNUM == document.DOCNUM
    assert answers["statuses"][0].VBELN == document.VBELN == "0000012001"
    assert (answers["fault"].code, answers["fault"].message) == (
        "MATERIAL_NOT_FOUND",
        "Material NOPE is not maintained",
    )


# ---------------------------------------------------------------------- functions


async def test_documents_are_found_before_and_after_posting() -> None:
    async with legacy(posting_interval_s=3600.0) as erp:
        await erp.store(order_idoc("CX-1", "SHOP-1"), sale_idoc("CX-2"))
        (order,) = await erp.find("CX-1")
        assert (order["STATUS"], order["KIND"], order["VBELN"]) == ("64", "order", "")
        assert (await erp.find("CX-2"))[0]["KIND"] == "store_sale"
        await erp.setting(posting_interval_s=0.01)
        await erp.until("booked", 2)
        (order,) = await erp.find("CX-1")
        assert (order["STATUS"], order["VBELN"]) == ("53", "0000012001")


async def test_an_order_reference_finds_orders_only() -> None:
    async with legacy() as erp:
        await erp.posted(
            order_idoc("CX-1", "SHOP-1"),
            cancel_idoc("CX-2", "SHOP-1", l1="1"),
            order_idoc("CX-3", "SHOP-1", document_type="ZRE"),
        )
        assert [row["KIND"] for row in await erp.find("SHOP-1", "ORDER_REF")] == ["order"]
        assert await erp.find("SHOP-1") == []
        assert [row["KIND"] for row in await erp.find("CX-3")] == ["return"]
        assert (await erp.find("CX-2"))[0]["OUTCOME"] == "partly"


async def test_old_orders_are_found_by_their_reference_only() -> None:
    async with legacy(old_orders=3) as erp:
        (row,) = await erp.find("OLD-L-00002", "ORDER_REF")
        assert (row["STATUS"], row["KIND"]) == ("53", "order")
        assert await erp.books() == []
        seeded = await erp.books(include="seeded")
        assert [document["object_reference"] for document in seeded] == [
            "OLD-L-00001",
            "OLD-L-00002",
            "OLD-L-00003",
        ]
        (late,) = await erp.posted(cancel_idoc("CX-1", "OLD-L-00002"))
        assert late["OUTCOME"] == "too_late"


async def test_a_failed_idoc_is_found_with_its_reason() -> None:
    async with legacy() as erp:
        await erp.posted(cancel_idoc("CX-1", "NEVER"))
        (row,) = await erp.find("CX-1")
        assert (row["STATUS"], row["KIND"]) == ("51", "cancellation")
        assert "NEVER does not exist" in row["STATXT"]


async def test_statuses_come_in_the_order_asked_with_a_row_for_each() -> None:
    async with legacy() as erp:
        first, second = await erp.store(order_idoc("CX-1"), order_idoc("CX-2"))
        found = await erp.statuses(second, "0000000000099999", first.lstrip("0"))
        assert [row["DOCNUM"] for row in found] == [second, "0000000000099999", first]
        assert found[1]["STATUS"] == ""
        assert found[1]["STATXT"] == "IDoc 0000000000099999 does not exist"


async def test_stock_follows_what_is_posted() -> None:
    async def stock(erp: Legacy, company: str = "NL01") -> str:
        content = f"<MATNR>TEE-BLK-M</MATNR><BUKRS>{company}</BUKRS>"
        return fields(await erp.call("Z_STOCK_ENQUIRY", content))["QTY"]

    async with legacy() as erp:
        assert await stock(erp) == "2050.000"
        await erp.posted(order_idoc(), sale_idoc())
        assert await stock(erp) == "2047.000"
        await erp.posted(order_idoc("CX-2", document_type="ZRE"))
        assert await stock(erp) == "2049.000"
        assert await stock(erp, "DE01") == "2050.000"


@pytest.mark.parametrize(
    ("function", "content", "code", "text"),
    [
        ("Z_STOCK_ENQUIRY", "<MATNR>NOPE</MATNR><BUKRS>NL01</BUKRS>", "MATERIAL_NOT_FOUND", "NOPE"),
        ("Z_PRICE_ENQUIRY", "<MATNR>NOPE</MATNR><BUKRS>NL01</BUKRS>", "MATERIAL_NOT_FOUND", "NOPE"),
        (
            "Z_STOCK_ENQUIRY",
            "<MATNR>TEE-BLK-M</MATNR><BUKRS>FR01</BUKRS>",
            "COMPANY_CODE_NOT_FOUND",
            "Company code FR01 is not defined",
        ),
        (
            "Z_PRICE_ENQUIRY",
            "<MATNR>TEE-BLK-M</MATNR><BUKRS>FR01</BUKRS>",
            "COMPANY_CODE_NOT_FOUND",
            "Company code FR01 is not defined",
        ),
        ("Z_STOCK_ENQUIRY", "<MATNR>A</MATNR>", "PARAMETER_MISSING", "needs the parameter BUKRS"),
        ("Z_NONE", "", "FUNCTION_NOT_FOUND", "Function Z_NONE does not exist"),
        (
            "Z_DOCUMENT_BY_REFERENCE",
            "<REFERENCE>A</REFERENCE><KIND>B</KIND>",
            "KIND_NOT_FOUND",
            "KIND is B",
        ),
        (
            "Z_IDOC_STATUS",
            f"<DOCNUMS>{'<item>1</item>' * 101}</DOCNUMS>",
            "TOO_MANY_DOCUMENTS",
            "101 documents asked for, at most 100",
        ),
    ],
)
async def test_faults(function: str, content: str, code: str, text: str) -> None:
    async with legacy() as erp:
        answer = await erp.client.post("/sap/bc/soap/rfc", content=envelope(function, content))
        assert answer.status_code == 500, "SOAP 1.1 answers faults with 500"
        found = fields(await erp.call(function, content))
        assert found["faultcode"] == code
        assert text in found["faultstring"]


async def test_what_is_no_envelope_is_said_to_be_none() -> None:
    async with legacy() as erp:
        answer = await erp.client.post("/sap/bc/soap/rfc", content="<nothing/>")
        assert answer.status_code == 500
        assert "SOAP-ENV:Client" in answer.text
        answer = await erp.client.post("/sap/bc/soap/rfc", content="<!DOCTYPE x><x/>")
        assert answer.status_code == 400
        assert (await erp.client.get("/sap/bc/soap/rfc")).status_code == 405


async def test_the_wsdl_names_the_address_it_was_asked_at() -> None:
    async with legacy() as erp:
        answer = await erp.client.get("/sap/bc/soap/rfc?wsdl", headers={"Host": 'a"<b'})
        assert 'location="LOCATION"' not in answer.text
        assert "<b" not in answer.text.partition("soap:address")[2].partition("/sap/bc")[0]
        plain = await erp.client.get("/sap/bc/soap/rfc?WSDL")
        assert (
            f'location="{erp.client.base_url}/sap/bc/soap/rfc"'.replace("//sap", "/sap")
            in plain.text
        )
