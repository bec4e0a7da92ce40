"""What a document would be if it were booked: the answer of the validate action."""

from __future__ import annotations

from simulators.books import Kind
from simulators.cloud.bodies import SEQUENCE_STEP, Asked
from simulators.cloud.resources import Resource
from simulators.returning import GOODS


def would_be(resource: Resource, asked: Asked) -> dict[str, object]:
    """The document with what the ERP computes itself; no number, nothing is kept."""
    draft = asked.draft
    view: dict[str, object] = {**asked.header, "number": "", "status": "Draft"}
    if resource.kind is Kind.CANCELLATION:
        lines: list[object] = [
            {"sequence": line.line * SEQUENCE_STEP, "quantity": line.quantity}
            for line in draft.lines
        ]
        return {**view, resource.lines: lines}
    if resource.kind in GOODS:
        lines = [
            {
                # What came is numbered by row.
                "sequence": (n if resource.kind is Kind.RETURN_RECEIPT else line.line)
                * SEQUENCE_STEP,
                "lineObjectNumber": line.sku,
                "quantity": line.quantity,
            }
            for n, line in enumerate(draft.lines, start=1)
        ]
        return {**view, resource.lines: lines}
    including = asked.header.get("pricesIncludeTax") is True or resource.kind is Kind.RETURN
    lines = [
        {
            "sequence": line.line * SEQUENCE_STEP,
            "lineObjectNumber": line.sku,
            "quantity": line.quantity,
            "unitPrice": line.unit_price,
            "amountIncludingTax" if including else "amountExcludingTax": line.amount,
        }
        for line in draft.lines
    ]
    return {
        **view,
        "currencyCode": draft.currency,
        "totalAmountIncludingTax": draft.total,
        resource.lines: lines,
    }
