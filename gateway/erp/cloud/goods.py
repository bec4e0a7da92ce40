"""The goods of a return, as the cloud ERP books them: what is expected, and what came.

Business Central has sales return orders and posted return receipts, and API v2.0 shows neither:
both resources are of the extension that the cloud company needs anyway. A return order that is
posted again under its ``returnReference`` replaces what it expected.
"""

from __future__ import annotations

from typing import Final

from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.erp.cloud.exact import Json

#: Lines are numbered in ten thousands, as the ERP does it to leave room between them.
STEP: Final = 10_000

#: Location codes are Code[10]: a node is one or nothing, the crosswalk says which.
LOCATION_CHARS_MAX: Final = 10


def location(node: str) -> dict[str, Json]:
    """Return the property that says where goods are, none if there is nothing to say."""
    return {"locationCode": node} if 0 < len(node) <= LOCATION_CHARS_MAX else {}


def return_order(authorised: ReturnAuthorisation) -> dict[str, Json]:
    """What is expected of a return from now on; nothing, once it is withdrawn."""
    return {
        "channelOrderReference": authorised.order_ref,
        "returnReference": authorised.return_ref,
        "orderDate": authorised.authorised_at.date().isoformat(),
        **({"reason": authorised.reason} if authorised.reason else {}),
        **({"withdrawn": True} if authorised.status == "withdrawn" else {}),
        "salesReturnOrderLines": [
            {
                "sequence": line.line * STEP,
                "lineType": "Item",
                "lineObjectNumber": line.sku,
                "quantity": line.quantity,
                **({"returnReason": line.reason} if line.reason else {}),
            }
            for line in authorised.lines
        ],
    }


def return_receipt(received: ReturnReceipt) -> dict[str, Json]:
    """What came: a row for each condition and disposition, which names the order's line."""
    return {
        "channelOrderReference": received.order_ref,
        **({"returnReference": received.return_ref} if received.return_ref else {}),
        "receiptDate": received.received_at.date().isoformat(),
        **location(received.node),
        "returnReceiptLines": [
            {
                "sequence": row * STEP,
                "orderLineSequence": line.line * STEP,
                "lineType": "Item",
                "lineObjectNumber": line.sku,
                "quantity": line.quantity,
                "condition": line.condition.value,
                "disposition": line.disposition.value,
            }
            for row, line in enumerate(received.lines, start=1)
        ],
    }
