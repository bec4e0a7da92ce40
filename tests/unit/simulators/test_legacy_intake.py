from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.unit.simulators.drivers import (
    ONE_CAP,
    TWO_TEES,
    cancel_idoc,
    idoc,
    legacy,
    order_idoc,
    order_line,
    sale_idoc,
)
from tests.unit.simulators.test_markup import BOMB

pytestmark = pytest.mark.anyio
PATH = "/sap/bc/idoc_xml?sap-client=100"


# ---------------------------------------------------------------------- storing


async def test_stored_is_not_posted() -> None:
    async with legacy(posting_interval_s=3600.0) as erp:
        answer = await erp.post(order_idoc())
        assert answer.status_code == 200
        assert answer.text.endswith("<IDOCS><IDOC><DOCNUM>0000000000012345</DOCNUM></IDOC></IDOCS>")
        (status,) = await erp.statuses("0000000000012345")
        assert (status["STATUS"], status["VBELN"]) == ("64", "")
        assert await erp.books() == []
        assert (await erp.counters())["pending_postings"] == 1


async def test_a_packet_is_numbered_stored_and_posted_in_order() -> None:
    async with legacy() as erp:
        packet = [order_idoc(f"CX-{place}", f"SHOP-{place}") for place in range(5)]
        statuses = await erp.posted(*packet)
        docnums = [int(status["DOCNUM"]) for status in statuses]
        assert docnums == list(range(docnums[0], docnums[0] + 5))
        books = await erp.books()
        assert [document["external_reference"] for document in books] == [
            f"CX-{place}" for place in range(5)
        ]
        assert [document["sequence"] for document in books] == [1, 2, 3, 4, 5]


async def test_the_same_idoc_twice_books_twice() -> None:
    async with legacy() as erp:
        await erp.posted(order_idoc())
        await erp.posted(order_idoc())
        assert [document["external_reference"] for document in await erp.books()] == ["CX-1"] * 2
        assert len(await erp.find("CX-1")) == 2


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"<ORDERS05>", "not well-formed XML"),
        (BOMB, "DOCTYPE"),
        (b"<ORDERS05/>", "no element IDOC"),
        (b"<P><IDOC/></P>", "IDOC 1: the control record EDI_DC40 is missing"),
        (
            b"<P><IDOC><EDI_DC40><IDOCTYP>ORDERS05</IDOCTYP></EDI_DC40></IDOC></P>",
            "IDOC 1: the control record EDI_DC40 has no MESTYP",
        ),
    ],
)
async def test_what_is_refused_at_the_door_stores_nothing(content: bytes, complaint: str) -> None:
    async with legacy() as erp:
        answer = await erp.client.post(PATH, content=content)
        assert answer.status_code == 400
        assert complaint in answer.text
        assert (await erp.counters())["stored"] == 0


async def test_one_bad_idoc_refuses_the_packet() -> None:
    async with legacy() as erp:
        answer = await erp.post(order_idoc(), "<IDOC><E1EDK01/></IDOC>")
        assert (answer.status_code, answer.text[:7]) == (400, "IDOC 2:")
        assert (await erp.counters())["stored"] == 0


async def test_another_client_is_unknown() -> None:
    async with legacy() as erp:
        answer = await erp.client.post("/sap/bc/idoc_xml?sap-client=200", content="<P/>")
        assert (answer.status_code, answer.text[:29]) == (400, "client 200 is not defined, us")


@pytest.mark.parametrize("auth", [None, ("GATEWAY", "wrong"), ("wrong", "gateway-legacy")])
async def test_who_is_not_known_is_sent_away(auth: tuple[str, str] | None) -> None:
    async with legacy() as erp, httpx.AsyncClient(base_url=erp.client.base_url) as stranger:
        for method, path in [
            ("POST", PATH),
            ("POST", "/sap/bc/soap/rfc"),
            ("GET", "/sap/bc/soap/rfc?wsdl"),
        ]:
            answer = await stranger.request(method, path, auth=auth or httpx.USE_CLIENT_DEFAULT)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert (await erp.counters())["unauthorized_401"] == 3


async def test_sessions_are_few_and_a_further_request_is_refused() -> None:
    async with legacy(sessions=2, latency_ms_min=300.0, latency_ms_max=300.0) as erp:
        answers = await asyncio.gather(*(erp.post(order_idoc(f"CX-{n}")) for n in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.headers["Retry-After"] == "1"
        assert (await erp.post(order_idoc())).status_code == 200, "a session is free again"
        counters = await erp.counters()
        assert (counters["max_concurrent"], counters["throttled_503"]) == (2, 3)


# ---------------------------------------------------------------------- posting


async def test_an_order_is_posted_with_its_own_sums() -> None:
    sums = (
        "<E1EDK05><ALCKZ>+</ALCKZ><KSCHL>FRA1</KSCHL><BETRG>4.95</BETRG></E1EDK05>"
        "<E1EDK04><MWSBT>12.00</MWSBT></E1EDK04><E1EDK04><MWSBT>1.05</MWSBT></E1EDK04>"
        "<E1EDS01><SUMID>001</SUMID><SUMME>2</SUMME></E1EDS01>"
        "<E1EDS01><SUMID>002</SUMID><SUMME>75.40</SUMME></E1EDS01>"
    )
    async with legacy() as erp:
        (status,) = await erp.posted(order_idoc(lines=TWO_TEES + ONE_CAP, sums=sums))
        assert status["STATUS"] == "53"
        (document,) = await erp.books()
        assert document.pop("booked_at")
        assert document == {
            "sequence": 1,
            "number": status["VBELN"],
            "kind": "order",
            "external_reference": "CX-1",
            "object_reference": "SHOP-1",
            "channel": "",
            "legal_entity": "NL01",
            "currency": "EUR",
            "lines": [
                {
                    "line": 1,
                    "sku": "TEE-BLK-M",
                    "quantity": "2",
                    "unit_price": "19.95",
                    "amount": "39.90",
                    "tax": "0.00",
                },
                {
                    "line": 2,
                    "sku": "CAP-NVY-ONE",
                    "quantity": "1",
                    "unit_price": "17.50",
                    "amount": "17.50",
                    "tax": "0.00",
                },
            ],
            "shipping": "4.95",
            "tax": "13.05",
            "told_tax": "0.00",
            "total": "75.40",
            "outcome": None,
        }


async def test_a_return_credits_what_was_refunded() -> None:
    line = order_line(1, "TEE-BLK-M", "3", "", "10.00")
    async with legacy() as erp:
        await erp.posted(order_idoc())
        (status,) = await erp.posted(order_idoc("CX-2", lines=line, document_type="ZRE"))
        assert status["STATUS"] == "53"
        document = (await erp.books(after="1"))[0]
        assert (document["kind"], document["object_reference"]) == ("return", "SHOP-1")
        assert (document["lines"][0]["unit_price"], document["total"]) == ("3.33", "10.00")


async def test_a_cancellation_tells_its_outcome() -> None:
    async with legacy(ship_after_s=3600.0) as erp:
        statuses = await erp.posted(
            order_idoc(),
            cancel_idoc("CX-2", "SHOP-1", l1="1"),
            cancel_idoc("CX-3", "SHOP-1"),
        )
        assert [status["OUTCOME"] for status in statuses] == ["", "partly", "cancelled"]
        await erp.posted(order_idoc("CX-4", "SHOP-2"))
        await erp.setting(ship_after_s=0)
        (late,) = await erp.posted(cancel_idoc("CX-5", "SHOP-2"))
        assert (late["STATUS"], late["OUTCOME"]) == ("53", "too_late")
        cancelled = [d for d in await erp.books() if d["kind"] == "cancellation"]
        assert [(d["outcome"], d["total"]) for d in cancelled] == [
            ("partly", "19.95"),
            ("cancelled", "19.95"),
            ("too_late", "0.00"),
        ]


@pytest.mark.parametrize("nested", [True, False])
async def test_a_store_sale_is_booked_under_its_receipt(*, nested: bool) -> None:
    receipt = sale_idoc()
    if not nested:  # lines beside the receipt's head instead of inside it
        receipt = receipt.replace("</E1WPB01>", "").replace("<E1WPB02>", "</E1WPB01><E1WPB02>")
    async with legacy() as erp:
        (status,) = await erp.posted(receipt)
        assert status["STATUS"] == "53", status
        (document,) = await erp.books()
        assert document["kind"] == "store_sale"
        assert document["object_reference"] == "NL-001/2026-11-21/1/17"
        assert (document["legal_entity"], document["total"]) == ("NL01", "19.95")


CONTROL_SUM = "<E1EDS01><SUMID>002</SUMID><SUMME>39.91</SUMME></E1EDS01>"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (
            order_idoc(lines=order_line(1, "NOPE", "1", "1.00", "1.00")),
            "Material NOPE is not maintained (item 1)",
        ),
        (
            order_idoc(lines=order_line(1, "TEE-BLK-M", "0", "1.00", "1.00")),
            "Enter a quantity above zero instead of 0 (item 1)",
        ),
        (
            order_idoc(lines=order_line(1, "TEE-BLK-M", "-2", "1.00", "1.00")),
            "Enter a quantity above zero instead of -2 (item 1)",
        ),
        (
            order_idoc(sums=CONTROL_SUM),
            "Control total E1EDS01 SUMME is 39.91, the items add up to 39.90",
        ),
        (
            sale_idoc(total="19.96"),
            "Control total E1WPB03 SUMME is 19.96, the items add up to 19.95",
        ),
        (
            sale_idoc(tender="20.00"),
            "Control total E1WPB06 SUMME is 20.00, the items add up to 19.95",
        ),
        (order_idoc(company="FR01"), "Company code FR01 is not defined"),
        (order_idoc(currency="USD"), "Currency USD is not allowed in company code NL01"),
        (order_idoc(lines=""), "The document has no items"),
        (order_idoc(lines=TWO_TEES * 2), "Item 1 occurs more than once"),
        (
            order_idoc(day="20261031"),
            "Posting period 2026-10 is not open (document date 2026-10-31)",
        ),
        (order_idoc(day="2026-1-1"), "Field E1EDK03 022 DATUM holds '2026-1-1', expected a date"),
        (order_idoc(day="20261350"), "Field E1EDK03 022 DATUM holds '20261350', expected a date"),
        (
            order_idoc(document_type="ZRE", reference="NEVER"),
            "Sales document for customer reference NEVER does not exist",
        ),
        (
            cancel_idoc("CX-1", "NEVER"),
            "Sales document for customer reference NEVER does not exist",
        ),
        (order_idoc(reference=""), "Field E1EDK02 001 BELNR is missing or empty"),
        (order_idoc(document_type="ZXX"), "Document type 'ZXX' is not defined (E1EDK01 BSART)"),
        (idoc("INVOIC", ""), "Message type 'INVOIC' is not processed here (EDI_DC40 MESTYP)"),
        (
            order_idoc(lines=TWO_TEES.replace("000010", "000015")),
            "Field POSEX holds '15', expected a multiple of 10 (E1EDP01)",
        ),
        (
            order_idoc(lines=TWO_TEES.replace(">39.90<", ">39,90<")),
            "Field NETWR holds '39,90', expected a number (E1EDP01)",
        ),
        (
            order_idoc(lines=TWO_TEES.replace(">39.90<", ">1E9<")),
            "Field NETWR holds '1E9', expected a number (E1EDP01)",
        ),
        (
            order_idoc(lines=TWO_TEES.replace("IDTNR", "KTEXT")),
            "Field E1EDP19 002 IDTNR is missing or empty",
        ),
        (sale_idoc(store="FR-001"), "Store FR-001 is not assigned to a company code"),
        (
            sale_idoc().replace("000017", "A17"),
            "Field BONNUMMER holds 'A17', expected digits (E1WPB01)",
        ),
        (idoc("WPUBON", "", "WPUBON01"), "0 receipts (E1WPB01) in one IDoc, expected 1"),
        (
            cancel_idoc("CX-1", "X").replace("003", "001"),
            "Action '001' is not supported, only 003 (E1EDK01 ACTION)",
        ),
    ],
)
async def test_what_cannot_be_posted_says_why(document: str, text: str) -> None:
    async with legacy(closed_periods=("2026-10",)) as erp:
        (status,) = await erp.posted(document)
        assert status["STATUS"] == "51"
        assert status["STATXT"].startswith(text)
        assert await erp.books() == []
        assert (await erp.counters())["failed_postings"] == 1


async def test_a_failed_idoc_does_not_hold_up_the_next() -> None:
    async with legacy() as erp:
        bad = order_idoc("CX-1", lines=order_line(1, "NOPE", "1", "1.00", "1.00"))
        statuses = await erp.posted(bad, order_idoc("CX-2"))
        assert [status["STATUS"] for status in statuses] == ["51", "53"]


async def test_a_line_the_order_lacks_cannot_be_cancelled() -> None:
    async with legacy() as erp:
        statuses: list[dict[str, Any]] = await erp.posted(
            order_idoc(), cancel_idoc("CX-2", "SHOP-1", l9="1")
        )
        assert statuses[1]["STATXT"] == "Item 9 does not exist in the order of reference SHOP-1"


async def test_the_batch_interval_can_be_changed_while_it_waits() -> None:
    async with legacy(posting_interval_s=3600.0) as erp:
        await erp.store(order_idoc())
        await erp.setting(posting_interval_s=0.02)
        await erp.until("booked", 1)
