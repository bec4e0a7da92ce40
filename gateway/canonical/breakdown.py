"""What amounts are made of: taxes, discounts, tenders, points, and what a shopper saw.

An order is complete without any of these: a line states its tax and its discount as one amount
each. Where a channel says what they consist of, the parts are kept and have to add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from gateway.canonical.base import PRINTABLE, Document, ShortText, matching
from gateway.canonical.money import Amount, Currency, NotNegative

PARTS_MAX = 20

PromotionId = Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTABLE)]
"""A promotion, campaign or code, as the channel names it."""

Rate = Annotated[
    str,
    matching(
        r"^(?:0|[1-9][0-9]?)(?:\.[0-9]{1,6})?$",
        "a percentage below 100 with at most six decimals",
        examples=["21", "5.5"],
    ),
]
"""A tax rate in percent, as text."""

TenderType = Annotated[
    str,
    matching(
        r"^[A-Za-z][A-Za-z0-9_]{0,29}$",
        "1 to 30 letters, digits and _, beginning with a letter",
        examples=["cash", "card"],
    ),
]


class LineKind(StrEnum):
    """What a line sells. The value of a gift card is a liability, not revenue."""

    GOODS = "goods"
    SERVICE = "service"
    FEE = "fee"
    GIFT_CARD = "gift_card"


class Funding(StrEnum):
    """Who pays for a discount: it decides whether revenue falls or somebody owes it."""

    RETAILER = "retailer"
    CHANNEL = "channel"
    SUPPLIER = "supplier"


class TaxPart(Document):
    """One tax of an amount. ``channel_liable``: the channel remits it, so the retailer does not."""

    amount: NotNegative
    jurisdiction: Annotated[str, Field(max_length=60, pattern=PRINTABLE)] = ""
    rate: Rate | None = None
    category: ShortText = ""
    channel_liable: bool = False


class DiscountPart(Document):
    """What one promotion takes off an amount."""

    amount: NotNegative
    promotion_id: PromotionId
    code: ShortText = ""
    funded_by: Funding = Funding.RETAILER


class OrderTender(Document):
    """How part of an order was paid. ``reference`` is the provider's, never a card's number."""

    type: TenderType
    amount: Amount
    reference: Annotated[str, Field(max_length=64, pattern=PRINTABLE)] = ""


class Presentment(Document):
    """What the shopper saw, where that was another currency than the one that is booked."""

    currency: Currency
    total: NotNegative


class Loyalty(Document):
    """Points of a loyalty account; carried, never converted."""

    account: Annotated[str, Field(min_length=1, max_length=40, pattern=PRINTABLE)]
    earned: Annotated[int, Field(ge=0, strict=True)] = 0
    redeemed: Annotated[int, Field(ge=0, strict=True)] = 0


class RefundAdjustment(Document):
    """What a refund gives (or, below zero, keeps) beside its lines: goodwill, restocking fee."""

    reason: Annotated[str, Field(min_length=1, max_length=60, pattern=PRINTABLE)]
    amount: Amount


def parts_add_up(
    what: str, stated: Decimal, parts: Iterable[TaxPart | DiscountPart | OrderTender]
) -> None:
    """Raise if there are parts and they are not ``stated`` in all, naming the difference."""
    amounts = [part.amount for part in parts]
    if not amounts:
        return
    found = sum(amounts, Decimal(0))
    if found != stated:
        message = "{what} {stated} is {difference} off: its parts add up to {found}"
        context = {"what": what, "stated": str(stated), "found": str(found),
                   "difference": str(stated - found)}  # fmt: skip
        raise PydanticCustomError("parts_differ", message, context)
