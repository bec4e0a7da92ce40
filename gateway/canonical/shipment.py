"""Shipments: what left, from where, with which carrier. An order may leave in several."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StrictBool, model_validator

from gateway.canonical.base import (
    PRINTABLE,
    Document,
    EntityCode,
    Instant,
    Quantity,
    Reference,
    ShortText,
    Sku,
)
from gateway.canonical.order import LINES_MAX, LineNumber, unique_lines


class ShippedLine(Document):
    """How many pieces of an order's line left."""

    line: LineNumber
    sku: Sku
    quantity: Quantity


class Shipment(Document):
    """One parcel or pallet of an order; ``completes`` says that nothing more will leave."""

    shipment_ref: Reference
    order_ref: Reference
    order_channel: ShortText = ""
    legal_entity: EntityCode
    shipped_at: Instant
    node: ShortText = ""
    carrier: ShortText
    tracking_number: Annotated[str, Field(max_length=60, pattern=PRINTABLE)] = ""
    completes: StrictBool = False
    lines: Annotated[tuple[ShippedLine, ...], Field(min_length=1, max_length=LINES_MAX)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        unique_lines([line.line for line in self.lines])
        return self
