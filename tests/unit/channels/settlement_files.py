"""Settlement files of our own making, in the published shape."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date",
    "total-amount", "currency", "transaction-type", "order-id", "merchant-order-id",
    "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description",
    "amount", "fulfillment-id", "posted-date", "posted-date-time", "order-item-code",
    "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
)  # fmt: skip

#: An order with its tax withheld, a refund of it, a fee, and the reserve: 60.44 in all.
ROWS: tuple[dict[str, str], ...] = (
    {"transaction-type": "Order", "order-id": "902-1000001-1000001", "amount-type": "ItemPrice",
     "amount-description": "Principal", "amount": "89.90", "sku": "TEE-BLK-M",
     "quantity-purchased": "2", "posted-date-time": "2026-11-03 09:14:00 UTC",
     "marketplace-name": "Amazon.nl", "order-item-code": "10000000000001"},
    {"transaction-type": "Order", "order-id": "902-1000001-1000001", "amount-type": "ItemPrice",
     "amount-description": "Tax", "amount": "18.88", "sku": "TEE-BLK-M",
     "posted-date-time": "2026-11-03 09:14:00 UTC"},
    {"transaction-type": "Order", "order-id": "902-1000001-1000001",
     "amount-type": "ItemWithheldTax",
     "amount-description": "MarketplaceFacilitatorTax-Principal", "amount": "-18.88",
     "sku": "TEE-BLK-M", "posted-date-time": "2026-11-03 09:14:00 UTC"},
    {"transaction-type": "Order", "order-id": "902-1000001-1000001", "amount-type": "ItemFees",
     "amount-description": "Commission", "amount": "-13.49", "sku": "TEE-BLK-M",
     "posted-date-time": "2026-11-03 09:14:00 UTC"},
    {"transaction-type": "Refund", "order-id": "902-1000001-1000001",
     "adjustment-id": "AMZ-ADJ-1", "amount-type": "ItemPrice", "amount-description": "Principal",
     "amount": "-44.95", "sku": "TEE-BLK-M", "posted-date-time": "2026-11-09 17:00:01 UTC"},
    {"transaction-type": "other-transaction", "amount-type": "other-transaction",
     "amount-description": "Previous Reserve Amount Balance", "amount": "40.00",
     "posted-date-time": "2026-11-01 00:00:00 UTC"},
    {"transaction-type": "other-transaction", "amount-type": "other-transaction",
     "amount-description": "Current Reserve Amount", "amount": "-11.02",
     "posted-date-time": "2026-11-14 23:59:59 UTC"},
)  # fmt: skip
TOTAL = "60.44"


def settlement(
    rows: Sequence[dict[str, str]] = ROWS,
    *,
    total: str = TOTAL,
    columns: Sequence[str] = COLUMNS,
    settlement_id: str = "19900000001",
    end: str = "\r\n",
    encoding: str = "utf-8",
    **head: str,
) -> bytes:
    """Write a settlement file."""
    first = {
        "settlement-id": settlement_id,
        "settlement-start-date": "2026-11-01 00:00:00 UTC",
        "settlement-end-date": "2026-11-15 00:00:00 UTC",
        "deposit-date": "2026-11-17 08:00:00 UTC",
        "total-amount": total,
        "currency": "EUR",
        **{name.replace("_", "-"): value for name, value in head.items()},
    }
    lines = ["\t".join(columns)]
    lines += [
        "\t".join(row.get(name, "") for name in columns)
        for row in (first, *({"settlement-id": settlement_id, **row} for row in rows))
    ]
    return (end.join(lines) + end).encode(encoding)


def stream(content: bytes) -> BytesIO:
    """A file of that content."""
    return BytesIO(content)
