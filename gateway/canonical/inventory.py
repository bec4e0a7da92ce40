"""Inventory events: what changes the stock of a SKU at a node, and by how much."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.canonical.base import Document, EntityCode, Instant, Reference, ShortText, Sku


class Movement(StrEnum):
    """Why stock changes."""

    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    RESERVATION = "reservation"
    RELEASE = "release"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
    COUNT = "count"


#: Movements whose sign is their meaning; the others go either way.
_RISES = frozenset({Movement.RECEIPT, Movement.RETURN, Movement.RELEASE})
_FALLS = frozenset({Movement.SALE, Movement.RESERVATION})

Pieces = Annotated[int, Field(ge=-10_000_000, le=10_000_000, strict=True)]


class InventoryEvent(Document):
    """One change. A ``count`` states what is there; everything else by how much it changes."""

    event_ref: Reference
    legal_entity: EntityCode
    sku: Sku
    node: ShortText
    movement: Movement
    quantity: Pieces
    occurred_at: Instant
    document_ref: Reference | None = None

    @model_validator(mode="after")
    def _sign_is_its_meaning(self) -> Self:
        rises, falls = self.movement in _RISES, self.movement in _FALLS
        counted = self.movement is Movement.COUNT
        wrong = (rises and self.quantity <= 0) or (falls and self.quantity >= 0)
        if wrong or (counted and self.quantity < 0):
            sign = "0 or above" if counted else "above 0" if rises else "below 0"
            message = "a {movement} has a quantity {sign}, not {quantity}"
            context = {"movement": str(self.movement), "sign": sign, "quantity": self.quantity}
            raise PydanticCustomError("sign_of_quantity", message, context)
        return self
