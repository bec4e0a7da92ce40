from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.simulators.cloud_bodies import (
    cancellation,
    charge,
    cloud_line,
    cloud_order,
    credit,
    invoice,
)
from tests.unit.simulators.drivers import cloud, error_of

pytestmark = pytest.mark.anyio
D = Decimal


BAD_LINES: list[tuple[dict[str, object], str]] = [
    (cloud_line(sku="NOPE"), "Identification fields and values: No.='NOPE' (line 1)."),
    (cloud_line(quantity=0), "Quantity must be positive in line 1. Current value is '0'."),
    (cloud_line(quantity=-1), "Quantity must be positive in line 1. Current value is '-1'."),
    (cloud_line(discountAmount=40), "Line Amount must be positive in line 1."),
    (cloud_line(discountAmount=-1), "Line Amount must be positive in line 1."),
    (
        cloud_line(amountIncludingTax=D("39.91")),
        "Amount Including Tax of line 1 must be equal to '39.90'. Current value is '39.91'.",
    ),
    (charge("1.00", lineObjectNumber="PALLET"), "The Item Charge does not exist."),
]


@pytest.mark.parametrize(("line", "complaint"), BAD_LINES)
async def test_lines_a_business_rule_refuses(line: dict[str, object], complaint: str) -> None:
    async with cloud() as erp:
        body = cloud_order(salesOrderLines=[line, cloud_line(9)])
        status, code, message = error_of(await erp.post("salesOrders", body))
        assert (status, code) == (400, "Application_DialogException")
        assert complaint in message
        assert message.partition("CorrelationId:  ")[2].endswith(".")
        assert await erp.books() == []


@pytest.mark.parametrize(
    ("resource", "body", "complaint"),
    [
        ("salesOrders", cloud_order(customerNumber=""), "'customerNumber' or 'customerId' must"),
        ("salesOrders", cloud_order(salesOrderLines=[]), "the document has no lines"),
        ("salesOrders", cloud_order(salesOrderLines=[cloud_line()] * 2), "line already exists"),
        ("salesOrders", cloud_order(currencyCode="USD"), "Code='USD' (company NL01)"),
        (
            "salesOrders",
            cloud_order(totalAmountIncludingTax=D("39.89")),
            "Total Amount Including Tax must be equal to '39.90'. Current value is '39.89'",
        ),
        (
            "salesOrders",
            cloud_order(orderDate="2026-10-31"),
            "2026-10-31 lies in the closed period",
        ),
        (
            "salesInvoices",
            invoice(postingDate="2026-10-01"),
            "2026-10-01 lies in the closed period",
        ),
        ("salesCreditMemos", credit(), "Channel Order Reference='SHOP-1'"),
        ("salesOrderCancellations", cancellation(), "The Sales Order does not exist."),
    ],
)
async def test_documents_a_business_rule_refuses(
    resource: str, body: dict[str, object], complaint: str
) -> None:
    async with cloud(closed_periods=("2026-10",)) as erp:
        status, code, message = error_of(await erp.post(resource, body))
        assert (status, code) == (400, "Application_DialogException")
        assert complaint in message
        assert await erp.books() == []


async def test_follow_ups_need_an_order_of_their_company() -> None:
    async with cloud() as erp:
        await erp.post("salesOrders", cloud_order())
        for resource, body in (
            ("salesCreditMemos", credit()),
            ("salesOrderCancellations", cancellation()),
        ):
            assert error_of(await erp.post(resource, body, "DE01"))[0] == 400
        wrong = await erp.post("salesOrderCancellations", cancellation("CX-2", (7, 1)))
        assert "Channel Order Reference='SHOP-1',Line='7'" in error_of(wrong)[2]


@pytest.mark.parametrize(
    ("content", "code", "complaint"),
    [
        ("{", "BadRequest_InvalidJson", "The body is no valid JSON"),
        ("[]", "BadRequest_InvalidJson", "must be a JSON object"),
        ('{"quantity": NaN}', "BadRequest_InvalidJson", "NaN is not a JSON number"),
        ('{"colour": "red"}', "BadRequest", "'colour' does not exist on type 'Microsoft.NAV.sales"),
        ('{"orderDate": "21.11.2026"}', "BadRequest", "\"21.11.2026\" to the type 'Edm.Date'"),
        ('{"orderDate": 5}', "BadRequest", "of property 'orderDate'"),
        ('{"pricesIncludeTax": "yes"}', "BadRequest", 'Cannot convert "yes" to the type \'Edm.Bo'),
        ('{"customerNumber": null}', "BadRequest", "Cannot convert null"),
        ('{"customerNumber": "C", "salesOrderLines": {}}', "BadRequest", "must be an array"),
        ('{"customerNumber": "C", "salesOrderLines": [1]}', "BadRequest", "it holds 1"),
        (
            '{"customerNumber": "C", "salesOrderLines": [{"lineType": "Account"}]}',
            "BadRequest",
            "The lineType 'Account' of line 1 is not Item or Charge",
        ),
        (
            '{"customerNumber": "C", "salesOrderLines": [{"lineType": "Item", "sequence": 5}]}',
            "BadRequest",
            "The sequence 5 is not a multiple of 10000",
        ),
        (
            '{"customerNumber": "C", "salesOrderLines": [{"lineType": "Item"}]}',
            "BadRequest",
            "The property 'quantity' is missing in a line",
        ),
        (
            '{"customerNumber": "C", "salesOrderLines": [{"lineType": "Item", "quantity": "1"}]}',
            "BadRequest",
            "Cannot convert \"1\" to the type 'Edm.Decimal' of property 'quantity'",
        ),
        (
            '{"externalDocumentNumber": "' + "x" * 36 + '"}',
            "Application_StringExceededLength",
            "externalDocumentNumber has at most 35 characters",
        ),
    ],
)
async def test_bodies_that_are_wrongly_formed(content: str, code: str, complaint: str) -> None:
    async with cloud() as erp:
        answer = await erp.client.post("/api/v2.0/companies(NL01)/salesOrders", content=content)
        assert error_of(answer)[:2] == (400, code)
        assert complaint in error_of(answer)[2]
        assert await erp.books() == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("companies(FR01)/items", "Internal_CompanyNotFound"),
        ("companies(NL01)/salesQuotes", "BadRequest_NotFound"),
    ],
)
async def test_what_is_not_there(path: str, code: str) -> None:
    async with cloud() as erp:
        assert error_of(await erp.client.get(f"/api/v2.0/{path}"))[:2] == (404, code)
