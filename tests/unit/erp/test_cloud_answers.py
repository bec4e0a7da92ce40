"""What the cloud adapter makes of answers, the odd ones above all."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from gateway.canonical.outcome import Absent, Booked, Busy, Cause, Refused, Unknown
from gateway.erp import CloudAccess
from gateway.erp.cloud.answers import Problem, cause_of
from gateway.errors import ErpUnavailable
from tests.unit.erp.doubles import API, cloud
from tests.unit.erp.envelopes import cancellation, envelope, order, reference_of

pytestmark = pytest.mark.anyio
ORDERS, ITEMS = f"{API}/salesOrders", f"{API}/items"


@pytest.fixture
def server() -> respx.Router:
    return respx.Router(assert_all_called=False)


def problem(code: str, message: str = "why") -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{message}  CorrelationId:  0a0b."}}


# --------------------------------------------------------------------------- writes


async def test_a_created_document_is_booked(server: respx.Router) -> None:
    sent = envelope(order())
    answer = {"id": "x", "number": "S-ORD1", "externalDocumentNumber": reference_of(sent)}
    route = server.post(ORDERS).respond(201, json=answer)
    assert await cloud(server).send(sent) == Booked("S-ORD1")
    request = route.calls.last.request
    assert request.headers["Authorization"] == "Bearer good"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content)["externalDocumentNumber"] == reference_of(sent)


async def test_a_cancellation_brings_its_outcome(server: respx.Router) -> None:
    server.post(f"{API}/salesOrderCancellations").respond(
        201, json={"number": "C1", "outcome": "partly"}
    )
    assert await cloud(server).send(envelope(cancellation("S-1"))) == Booked("C1", "partly")


def test_the_secret_is_not_shown() -> None:
    assert "made-up" not in repr(CloudAccess("http://x", "acme", "gateway", "made-up", "api"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Created</html>",
        b'{"number": "S-ORD1"',
        b"[]",
        b"null",
        b'{"id": "x"}',
        b'{"number": ""}',
        b'{"number": 7}',
        b'{"number": "S-ORD1", "externalDocumentNumber": "CX-another"}',
    ],
)
async def test_a_201_that_proves_no_booking_of_ours_is_unknown(
    server: respx.Router, body: bytes
) -> None:
    server.post(ORDERS).respond(201, content=body)
    assert isinstance(await cloud(server).send(envelope(order())), Unknown)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("The Item does not exist. Identification fields and values: No.='X'", Cause.UNKNOWN_ITEM),
        ("The Sales Order does not exist. Identification: Ref='X'", Cause.UNKNOWN_ORDER),
        ("The Sales Order Line does not exist. Line='9'", Cause.NOT_ACCEPTED),
        ("Posting Date is not within your range of allowed posting dates", Cause.CLOSED_PERIOD),
        ("Total Amount Including Tax must be equal to '1.00'", Cause.TOTAL_DIFFERS),
        ("Amount Including Tax of line 1 must be equal to '1.00'", Cause.TOTAL_DIFFERS),
        ("Something only this company knows", Cause.NOT_ACCEPTED),
    ],
)
async def test_refusals_by_their_words(server: respx.Router, message: str, cause: Cause) -> None:
    assert cause_of(Problem("Application_DialogException", message)) is cause
    server.post(ORDERS).respond(400, json=problem("Application_DialogException", message))
    outcome = await cloud(server).send(envelope(order()))
    assert outcome == Refused(cause, f"400 Application_DialogException: {message}")


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (409, {}, problem("Request_EntityChanged"), Busy),
        (412, {}, problem("Request_EntityChanged"), Busy),
        (413, {}, "<html>too large</html>", Refused),
        (422, {}, problem("BadRequest"), Refused),
        (404, {}, problem("Internal_CompanyNotFound"), Refused),
        (400, {}, "<html>Bad Request</html>", Unknown),
        (400, {}, {"error": "text"}, Unknown),
        (200, {}, "<html>Welcome</html>", Unknown),
        (202, {}, {"number": "S-ORD1"}, Unknown),
        (302, {"Location": "/login"}, "", Unknown),
        (408, {}, problem("Application_Timeout"), Unknown),
        (500, {}, problem("Internal_ServerError"), Unknown),
        (502, {"Retry-After": "5"}, "", Unknown),
        (503, {}, "<html>Service Unavailable</html>", Unknown),
        (504, {}, "", Unknown),
        (418, {}, "", Unknown),
    ],
)
async def test_the_table_of_statuses(
    server: respx.Router, status: int, headers: dict[str, str], body: Any, outcome: type
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    server.post(ORDERS).respond(status, text=text, headers=headers)
    assert isinstance(await cloud(server).send(envelope(order())), outcome)


@pytest.mark.parametrize(
    ("status", "headers", "body", "retry_after_ms"),
    [
        (429, {}, problem("Application_TooManyRequests"), None),
        (429, {"Retry-After": "30"}, "", 30_000),
        (429, {"Retry-After": "-30"}, "", None),
        (429, {"Retry-After": "100000"}, "", 3_600_000),
        (503, {"Retry-After": "5"}, "", 5_000),
        (503, {"Retry-After": "Sat, 21 Nov 2026 10:01:05 GMT"}, "", 60_000),
        (503, {}, problem("Application_ServiceUnavailable"), None),
        (403, {}, problem("Authorization"), None),
        (404, {}, "<html>no such site</html>", None),
    ],
)
async def test_pauses_close_the_erp(
    server: respx.Router,
    status: int,
    headers: dict[str, str],
    body: Any,
    retry_after_ms: int | None,
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    server.post(ORDERS).respond(status, text=text, headers=headers)
    outcome = await cloud(server).send(envelope(order()))
    assert isinstance(outcome, Busy)
    assert outcome.closes
    assert outcome.retry_after_ms == retry_after_ms


async def test_a_packed_answer_is_unpacked(server: respx.Router) -> None:
    packed = gzip.compress(b'{"number": "S-ORD1"}')
    answer = httpx.Response(201, content=packed, headers={"Content-Encoding": "gzip"})
    server.post(ORDERS).mock(return_value=answer)
    assert await cloud(server).send(envelope(order())) == Booked("S-ORD1")


async def test_the_content_type_does_not_decide(server: respx.Router) -> None:
    server.post(ORDERS).respond(201, text='{"number": "S-ORD1"}', content_type="text/html")
    assert await cloud(server).send(envelope(order())) == Booked("S-ORD1")


async def test_nothing_is_sent_of_what_cannot_be_read(server: respx.Router) -> None:
    route = server.post(ORDERS).respond(201, json={"number": "S-ORD1"})
    unreadable = envelope(order()).model_copy(update={"body": {}})
    outcome = await cloud(server).send(unreadable)
    assert isinstance(outcome, Refused)
    assert outcome.cause is Cause.POISON
    assert isinstance(await cloud(server).probe(unreadable), Unknown)
    assert not route.called


# --------------------------------------------------------------------------- probe


async def test_a_probe_asks_the_collection_for_the_external_reference(
    server: respx.Router,
) -> None:
    sent = envelope(order())
    query = {"$filter": f"externalDocumentNumber eq '{reference_of(sent)}'"}
    server.get(ORDERS, params=query).respond(200, json={"value": []})
    assert await cloud(server).probe(sent) == Absent()


async def test_a_probe_finds_the_first_of_two_and_warns(
    server: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    server.get(url__startswith=ORDERS).respond(
        200, json={"value": [{"number": "S-1"}, {"number": "S-2"}]}
    )
    assert await cloud(server).probe(envelope(order())) == Booked("S-1")
    assert "double booking" in caplog.text


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "", Unknown),
        (200, "{}", Unknown),
        (200, '{"value": null}', Unknown),
        (200, '{"value": [{"id": "x"}]}', Unknown),
        (200, '{"value": [null]}', Unknown),
        (200, '{"value": [{"number": "1", "externalDocumentNumber": "CX-other"}]}', Unknown),
        (400, json.dumps(problem("BadRequest")), Unknown),
        (404, json.dumps(problem("BadRequest_NotFound")), Unknown),
        (500, "", Unknown),
        (429, "", Busy),
        (503, json.dumps(problem("Application_ServiceUnavailable")), Busy),
    ],
)
async def test_a_probe_that_gets_no_list_never_says_absent(
    server: respx.Router, status: int, body: str, kind: type
) -> None:
    server.get(url__startswith=ORDERS).respond(status, text=body)
    assert isinstance(await cloud(server).probe(envelope(order())), kind)


async def test_there_is_nothing_to_confirm(server: respx.Router) -> None:
    assert await cloud(server).confirm(["S-1"]) == {}
    assert not server.calls


# --------------------------------------------------------------------------- enquiries

ITEM = {
    "number": "TEE",
    "displayName": "T-shirt",
    "gtin": "2000000041070",
    "baseUnitOfMeasureCode": "PCS",
    "taxGroupCode": "STANDARD",
    "unitPrice": 19.9,
    "inventory": 12.9,
}


async def test_enquiries_in_canonical_terms(server: respx.Router) -> None:
    query = {"$filter": "number eq 'TEE'"}
    server.get(ITEMS, params=query).respond(200, json={"value": [ITEM]})
    erp = cloud(server)
    stock = await erp.availability("TEE", "NL01")
    assert stock is not None
    assert stock.model_dump(exclude={"as_of"}) == {
        "sku": "TEE", "legal_entity": "NL01", "available": 12, "unit": "EA",
    }  # fmt: skip
    price = await erp.price("TEE", "NL01")
    assert price is not None
    assert price.model_dump(exclude={"as_of"}, mode="json") == {
        "sku": "TEE", "legal_entity": "NL01", "currency": "EUR", "unit_price": "19.90",
        "tax_included": True,
    }  # fmt: skip
    product = await erp.product("TEE", "NL01")
    assert product is not None
    assert product.model_dump() == {
        "sku": "TEE", "name": "T-shirt", "ean": "2000000041070", "tax_category": "standard",
        "unit": "EA",
    }  # fmt: skip


async def test_a_price_is_in_the_currency_of_its_company(server: respx.Router) -> None:
    item = ITEM | {"unitPrice": 2900, "priceIncludesTax": False}
    server.get(url__startswith=ITEMS).respond(200, json={"value": [item]})
    price = await cloud(server, currencies={"NL01": "JPY"}).price("TEE", "NL01")
    assert price is not None
    assert (price.currency, price.unit_price, price.tax_included) == ("JPY", Decimal(2900), False)


@pytest.mark.parametrize("rows", [[], [ITEM | {"number": "tee"}], [None]])
async def test_only_the_exact_number_is_the_item(server: respx.Router, rows: list[Any]) -> None:
    server.get(url__startswith=ITEMS).respond(200, json={"value": rows})
    erp = cloud(server)
    assert await erp.availability("TEE", "NL01") is None
    assert await erp.price("TEE", "NL01") is None
    assert await erp.product("TEE", "NL01") is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, json.dumps({"value": [{"number": "TEE"}]})),
        (200, json.dumps({"value": [ITEM | {
            "inventory": "12", "unitPrice": True, "displayName": None,
        }]})),
        (200, "<html/>"),
        (429, ""),
        (500, ""),
        (404, json.dumps(problem("Internal_CompanyNotFound"))),
    ],
)  # fmt: skip
async def test_an_enquiry_nobody_answers_is_unavailable_and_names_no_erp(
    server: respx.Router, status: int, body: str
) -> None:
    server.get(url__startswith=ITEMS).respond(status, text=body)
    erp = cloud(server)
    for ask in (erp.availability, erp.price, erp.product):
        with pytest.raises(ErpUnavailable) as caught:
            await ask("TEE", "NL01")
        assert "cloud" not in caught.value.detail.lower()


async def test_has_order(server: respx.Router) -> None:
    erp = cloud(server)
    query = {"$filter": "channelOrderReference eq 'SHOP-1'"}
    for row, has in (
        ({"shortcutDimension1Code": "WEBSHOP"}, True),
        ({"shortcutDimension1Code": ""}, True),  # entered before the gateway, or by hand
        ({}, True),
        ({"shortcutDimension1Code": "OTHER"}, False),
    ):
        server.get(ORDERS, params=query).respond(200, json={"value": [{"number": "S-1", **row}]})
        assert await erp.has_order("webshop", "SHOP-1", "NL01") is has
    query = {"$filter": "channelOrderReference eq 'SHOP-2'"}
    server.get(ORDERS, params=query).respond(200, json={"value": []})
    assert not await erp.has_order("webshop", "SHOP-2", "NL01")
    query = {"$filter": "channelOrderReference eq 'SHOP-3'"}
    server.get(ORDERS, params=query).respond(503, headers={"Retry-After": "4"})
    with pytest.raises(ErpUnavailable) as caught:
        await erp.has_order("webshop", "SHOP-3", "NL01")
    assert caught.value.retry_after_s == 4
