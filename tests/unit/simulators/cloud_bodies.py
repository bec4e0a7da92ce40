"""Bodies the cloud simulator takes, each with what a test wants different."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def cloud_line(line: int = 1, sku: str = "TEE-BLK-M", quantity: int = 2, **more: object) -> Any:
    return {
        "sequence": line * 10_000,
        "lineType": "Item",
        "lineObjectNumber": sku,
        "quantity": quantity,
        "unitPrice": Decimal("19.95"),
        **more,
    }


def cloud_order(
    external: str = "CX-1", reference: str = "SHOP-1", **more: object
) -> dict[str, object]:
    return {
        "externalDocumentNumber": external,
        "orderDate": "2026-11-21",
        "customerNumber": "C-1001",
        "currencyCode": "EUR",
        "pricesIncludeTax": True,
        "channelOrderReference": reference,
        "shipToName": "Robin Example",
        "shipToCity": "Utrecht",
        "shipToCountry": "NL",
        "salesOrderLines": [cloud_line()],
        **more,
    }


def charge(amount: str, **more: object) -> dict[str, object]:
    return {
        "lineType": "Charge",
        "lineObjectNumber": "FREIGHT",
        "quantity": 1,
        "unitPrice": Decimal(amount),
        **more,
    }


def invoice(external: str = "CX-S", **more: object) -> dict[str, object]:
    return {
        "externalDocumentNumber": external,
        "channelOrderReference": "NL-001/2026-11-21/1/17",
        "invoiceDate": "2026-11-21",
        "pricesIncludeTax": True,
        "salesInvoiceLines": [cloud_line(quantity=1)],
        **more,
    }


def credit(external: str = "CX-R", **more: object) -> dict[str, object]:
    return {
        "externalDocumentNumber": external,
        "channelOrderReference": "SHOP-1",
        "creditMemoDate": "2026-11-22",
        "salesCreditMemoLines": [cloud_line(quantity=1)],
        **more,
    }


def cancellation(external: str = "CX-X", *lines: tuple[int, int], **more: object) -> dict[str, Any]:
    body: dict[str, Any] = {"externalDocumentNumber": external, "channelOrderReference": "SHOP-1"}
    if lines:
        body["lines"] = [{"sequence": line * 10_000, "quantity": many} for line, many in lines]
    return {**body, **more}
