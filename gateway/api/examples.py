"""Bodies for the API description: each is taken as it stands, its dates aside."""

from __future__ import annotations

from typing import Any, Final

ORDER: Final[dict[str, Any]] = {
    "order_ref": "SHOP-10001",
    "legal_entity": "NL01",
    "ordered_at": "2026-11-21T10:00:00+00:00",
    "currency": "EUR",
    "customer": {
        "ref": "C-1001",
        "name": "Robin Example",
        "email": "robin@example.com",
        "group": "retail",
    },
    "ship_to": {
        "name": "Robin Example",
        "street": "Voorbeeldstraat 1",
        "city": "Utrecht",
        "postal_code": "3511 AA",
        "country": "NL",
    },
    "tax_included": True,
    "lines": [
        {
            "line": 1,
            "sku": "TEE-BLK-M",
            "quantity": 2,
            "unit_price": "19.95",
            "discount": "0.00",
            "tax": "6.93",
        }
    ],
    "shipping": {"amount": "4.95", "tax": "0.86"},
    "payment": {"method": "card", "status": "paid"},
    "total": "44.85",
}

CANCELLATION: Final[dict[str, Any]] = {
    "cancellation_ref": "X-1",
    "reason": "customer",
    "lines": [{"line": 1, "quantity": 1}],
}

AUTHORISATION: Final[dict[str, Any]] = {
    "authorisation_ref": "R-1",
    "return_ref": "R-1",
    "order_ref": "SHOP-10001",
    "order_channel": "webshop",
    "legal_entity": "NL01",
    "authorised_at": "2026-11-21T10:00:00+00:00",
    "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "reason": "too small"}],
}

RECEIPT: Final[dict[str, Any]] = {
    "receipt_ref": "R-1-1",
    "return_ref": "R-1",
    "order_ref": "SHOP-10001",
    "order_channel": "webshop",
    "legal_entity": "NL01",
    "received_at": "2026-11-21T10:00:00+00:00",
    "node": "UTR-1",
    "lines": [
        {
            "line": 1,
            "sku": "TEE-BLK-M",
            "quantity": 1,
            "condition": "opened",
            "disposition": "restock",
        }
    ],
}

RETURN: Final[dict[str, Any]] = {
    "return_ref": "R-1",
    "order_ref": "SHOP-10001",
    "order_channel": "webshop",
    "legal_entity": "NL01",
    "returned_at": "2026-11-21T10:00:00+00:00",
    "currency": "EUR",
    "reason": "too small",
    "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "19.95"}],
    "total": "19.95",
}

STORE_SALES: Final[dict[str, Any]] = {
    "store": "NL-001",
    "transactions": [
        {
            "register": "1",
            "sequence": 17,
            "business_date": "2026-11-21",
            "sold_at": "2026-11-21T10:00:00+00:00",
            "currency": "EUR",
            "lines": [
                {
                    "line": 1,
                    "sku": "TEE-BLK-M",
                    "quantity": 1,
                    "unit_price": "19.95",
                    "discount": "0.00",
                    "tax": "3.46",
                }
            ],
            "tenders": [{"type": "cash", "amount": "19.95"}],
            "total": "19.95",
        }
    ],
}
