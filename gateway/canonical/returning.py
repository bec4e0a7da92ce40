"""What happens to goods before their credit: they are announced, and they come.

An *authorisation* (RMA) says what of an order is expected back. A *receipt* says what came, and
what is done with it: its *disposition*. Neither is about money; that is a credit's, whenever it
comes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

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

ReasonText = Annotated[str, Field(max_length=120, pattern=PRINTABLE)]


class Condition(StrEnum):
    """How goods were found when they came."""

    NEW = "new"
    OPENED = "opened"
    USED = "used"
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    UNKNOWN = "unknown"


class Disposition(StrEnum):
    """What is done with goods that came. Only ``restock`` makes them available to sell."""

    RESTOCK = "restock"
    REFURBISH = "refurbish"
    SCRAP = "scrap"
    QUARANTINE = "quarantine"  #: kept apart until somebody has decided


class AuthorisedLine(Document):
    """Pieces of an order's line that are expected back, and why the buyer sends them.

    ``item_ref`` is what the channel calls the article, where its later messages name nothing else.
    """

    line: LineNumber
    sku: Sku
    quantity: Quantity
    reason: ReasonText = ""
    item_ref: ShortText = ""


class ReturnAuthorisation(Document):
    """What is expected of a return from now on: all of it, whatever was expected before.

    ``return_ref`` is the return, ``authorisation_ref`` this statement of it: a return that changes
    is authorised again under another one. One that is ``withdrawn`` expects nothing any more.
    """

    authorisation_ref: Reference
    return_ref: Reference
    order_ref: Reference
    order_channel: ShortText = ""
    legal_entity: EntityCode
    authorised_at: Instant
    status: Literal["authorised", "withdrawn"] = "authorised"
    reason: ReasonText = ""
    lines: Annotated[tuple[AuthorisedLine, ...], Field(max_length=LINES_MAX)] = ()
    updated_at: Instant | None = None

    @model_validator(mode="after")
    def _expects_what_it_says(self) -> Self:
        unique_lines([line.line for line in self.lines])
        if self.status == "authorised" and not self.lines:
            message = "is authorised without lines; name what is expected, or send status withdrawn"
            raise PydanticCustomError("nothing_expected", message)
        if self.status == "withdrawn" and self.lines:
            message = "is withdrawn and expects {n} line(s); leave them out, or send authorised"
            raise PydanticCustomError("still_expected", message, {"n": len(self.lines)})
        return self


class ReceivedLine(Document):
    """Pieces of an order's line that came, in one condition, with one disposition."""

    line: LineNumber
    sku: Sku
    quantity: Quantity
    condition: Condition = Condition.UNKNOWN
    disposition: Disposition


class ReturnReceipt(Document):
    """Goods of an order that came back to one location (``node``), and what is done with them.

    ``return_ref`` is the return they belong to; goods that nobody announced have none. A line may
    be there several times, each with another condition or disposition.
    """

    receipt_ref: Reference
    return_ref: Reference | None = None
    order_ref: Reference
    order_channel: ShortText = ""
    legal_entity: EntityCode
    received_at: Instant
    node: ShortText = ""
    lines: Annotated[tuple[ReceivedLine, ...], Field(min_length=1, max_length=LINES_MAX)]
    updated_at: Instant | None = None

    @model_validator(mode="after")
    def _each_row_once(self) -> Self:
        skus: dict[int, str] = {}
        rows: set[tuple[int, str, str]] = set()
        for it in self.lines:
            if skus.setdefault(it.line, it.sku) != it.sku:
                message = "line {n} is both {one} and {other}; an order's line is one article"
                context = {"n": it.line, "one": skus[it.line], "other": it.sku}
                raise PydanticCustomError("two_articles", message, context)
            row = (it.line, it.condition.value, it.disposition.value)
            if row in rows:
                message = "line {n}, {condition}, {disposition} occurs twice; add the pieces up"
                context = {"n": it.line, "condition": row[1], "disposition": row[2]}
                raise PydanticCustomError("row_twice", message, context)
            rows.add(row)
        return self
