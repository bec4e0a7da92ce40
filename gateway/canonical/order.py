"""Orders, their cancellation and their returns, as a channel states them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from gateway.canonical.base import (
    PRINTABLE,
    CustomerReference,
    Document,
    EntityCode,
    Instant,
    Quantity,
    Reference,
    ShortText,
    Sku,
    Text,
    matching,
)
from gateway.canonical.breakdown import (
    PARTS_MAX,
    DiscountPart,
    LineKind,
    Loyalty,
    OrderTender,
    Presentment,
    RefundAdjustment,
    TaxPart,
    parts_add_up,
)
from gateway.canonical.money import Amount, Currency, NotNegative, fits_minor_unit, plain

LINES_MAX = 500

#: Orders a message may wait for.
AFTER_MAX = 5

LineNumber = Annotated[int, Field(ge=1, le=9999, strict=True)]

TaxParts = Annotated[tuple[TaxPart, ...], Field(max_length=PARTS_MAX)]
Predecessors = Annotated[tuple[Reference, ...], Field(max_length=AFTER_MAX)]
DiscountParts = Annotated[tuple[DiscountPart, ...], Field(max_length=PARTS_MAX)]


class Customer(Document):
    """Who bought: the channel's reference, and what the ERP needs to address them."""

    ref: CustomerReference
    name: Text
    email: (
        Annotated[
            str,
            matching(r"^[^@\s]+@[^@\s]+$", "an address with one @ and no spaces", max_length=254),
        ]
        | None
    ) = None
    group: ShortText = ""


class Address(Document):
    """Where goods go. ``country`` is ISO 3166-1 alpha-2."""

    name: Text
    street: Text
    city: Text
    postal_code: Annotated[
        str,
        matching(
            r"^[A-Za-z0-9][A-Za-z0-9 -]{0,9}$",
            "1 to 10 letters, digits, spaces and -, beginning with a letter or digit",
        ),
    ]
    country: Annotated[str, matching(r"^[A-Z]{2}$", "an ISO 3166 code of two capital letters")]
    region: ShortText = ""


class SalesLine(Document):
    """One line; ``discount`` and ``tax`` are for the whole line, ``unit_price`` for a piece.

    ``taxes`` and ``discounts`` say what they consist of, where the channel does. ``line_ref`` is
    what the channel itself calls the line.
    """

    line: LineNumber
    sku: Sku
    quantity: Quantity
    unit_price: NotNegative
    discount: NotNegative = Decimal(0)
    tax: NotNegative = Decimal(0)
    kind: LineKind = LineKind.GOODS
    taxes: TaxParts = ()
    discounts: DiscountParts = ()
    node: ShortText = ""
    line_ref: ShortText = ""

    @model_validator(mode="after")
    def _parts_add_up(self) -> Self:
        if self.taxes:
            parts_add_up("tax", self.tax, self.taxes)
        if self.discounts:
            parts_add_up("discount", self.discount, self.discounts)
        return self

    @property
    def amount(self) -> Decimal:
        """What the line costs after discount, with or without tax as the document says."""
        return self.quantity * self.unit_price - self.discount


class Shipping(Document):
    """What the customer pays for shipping, discounts taken off already.

    ``tax`` is part of ``amount`` if tax is included.
    """

    amount: NotNegative = Decimal(0)
    tax: NotNegative = Decimal(0)
    taxes: TaxParts = ()
    discounts: DiscountParts = ()
    service: ShortText = ""

    @model_validator(mode="after")
    def _parts_add_up(self) -> Self:
        parts_add_up("tax", self.tax, self.taxes)
        return self


class Payment(Document):
    """How it was paid. Card numbers have no field to travel in."""

    method: ShortText
    status: Annotated[
        str, matching(r"^(paid|authorised|pending)$", "paid, authorised or pending")
    ] = "paid"
    reference: Annotated[str, Field(max_length=64, pattern=PRINTABLE)] = ""


class Order(Document):
    """An order. Lines + shipping (+ taxes if not included) equal ``total``, exactly.

    ``tenders``, where given, add up to ``total`` + ``cash_rounding``. ``exchange_of`` is the return
    whose goods this order replaces. ``updated_at`` is when the channel had last changed the order
    as it is stated here: what it states as of before is old. What is ``fulfilled_by`` the channel
    is booked, and nothing of it is to be sent. Nothing of it is delivered before the orders that
    ``after`` names are booked: orders of the same channel that were accepted before.
    """

    order_ref: Reference
    legal_entity: EntityCode
    ordered_at: Instant
    currency: Currency
    customer: Customer
    ship_to: Address
    tax_included: StrictBool = True
    lines: Annotated[tuple[SalesLine, ...], Field(min_length=1, max_length=LINES_MAX)]
    shipping: Shipping = Shipping()
    payment: Payment
    total: NotNegative
    tenders: Annotated[tuple[OrderTender, ...], Field(max_length=PARTS_MAX)] = ()
    cash_rounding: Amount = Decimal(0)
    presentment: Presentment | None = None
    loyalty: Loyalty | None = None
    exchange_of: Reference | None = None
    store: ShortText = ""
    updated_at: Instant | None = None
    fulfilled_by: Literal["retailer", "channel"] = "retailer"
    after: Predecessors = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        unique_lines([line.line for line in self.lines])
        if self.tenders:
            parts_add_up("total", self.total + self.cash_rounding, self.tenders)
        expected = self.shipping.amount
        for line in self.lines:
            expected += line.quantity * line.unit_price - line.discount
        if not self.tax_included:
            expected += sum((line.tax for line in self.lines), self.shipping.tax)
        same_total(self.total, expected, self.currency)
        return self


class CancelledLine(Document):
    """How many pieces of a line are no longer wanted."""

    line: LineNumber
    quantity: Quantity


class Cancellation(Document):
    """A wish to cancel; without ``lines``, all of the order. The owner decides the outcome."""

    cancellation_ref: Reference
    reason: Text = "customer"
    lines: Annotated[tuple[CancelledLine, ...], Field(max_length=LINES_MAX)] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        unique_lines([line.line for line in self.lines])
        return self


class ReturnedLine(Document):
    """Pieces that came back and the money (tax included) to credit for all of them.

    ``tax`` is what of the money is tax. Without it, it is the line's share of its order's tax.
    ``restock``: with this credit the pieces go back to stock, at ``node`` if that is known. False
    says that this credit moves no goods: a receipt tells of them, or they do not come.
    """

    line: LineNumber
    sku: Sku
    quantity: Quantity
    refund: NotNegative
    tax: NotNegative | None = None
    restock: StrictBool = True
    node: ShortText = ""

    @model_validator(mode="after")
    def _tax_is_part(self) -> Self:
        tax_within("refund", self.refund, self.tax)
        return self


class Return(Document):
    """What of an order is to be credited: goods that came back, and money beside them.

    ``shipping`` is what of the shipping is given back, tax included, and ``shipping_tax`` what of
    that is tax, as with lines; ``adjustments`` are goodwill or, below zero, what is kept, and carry
    no tax. Refunds + shipping + adjustments equal ``total``, exactly.
    ``updated_at`` is when the channel had last changed the return as it is stated here. ``after``
    is that of :class:`Order`.
    """

    return_ref: Reference
    order_ref: Reference
    order_channel: ShortText = ""
    legal_entity: EntityCode
    returned_at: Instant
    currency: Currency
    reason: Annotated[str, Field(max_length=120, pattern=PRINTABLE)] = ""
    lines: Annotated[tuple[ReturnedLine, ...], Field(max_length=LINES_MAX)] = ()
    shipping: NotNegative = Decimal(0)
    shipping_tax: NotNegative | None = None
    adjustments: Annotated[tuple[RefundAdjustment, ...], Field(max_length=PARTS_MAX)] = ()
    total: NotNegative
    updated_at: Instant | None = None
    after: Predecessors = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        unique_lines([line.line for line in self.lines])
        if not (self.lines or self.shipping or self.adjustments):
            raise PydanticCustomError("value_error", "gives nothing back; give lines or amounts")
        tax_within("shipping", self.shipping, self.shipping_tax)
        expected = sum((line.refund for line in self.lines), self.shipping)
        expected = sum((each.amount for each in self.adjustments), expected)
        same_total(self.total, expected, self.currency)
        return self


def unique_lines(numbers: list[int]) -> None:
    """Raise if a line number occurs twice: nobody could say which one a return means."""
    if len(set(numbers)) != len(numbers):
        twice = next(n for n in numbers if numbers.count(n) > 1)
        message = "line {n} occurs twice; number each once"
        raise PydanticCustomError("line_twice", message, {"n": twice})


def tax_within(what: str, amount: Decimal, tax: Decimal | None) -> None:
    """Raise if the tax that an amount is said to include is more than the amount."""
    if tax is not None and tax > amount:
        message = "tax {tax} is more than {what} {amount}, which includes it"
        context = {"tax": str(tax), "what": what, "amount": str(amount)}
        raise PydanticCustomError("tax_exceeds", message, context)


def same_total(stated: Decimal, computed: Decimal, currency: str) -> None:
    """Raise if ``stated`` is not ``computed`` to the minor unit, naming the difference."""
    if stated != computed:
        message = "total {stated} {currency} is {difference} off: its parts add up to {computed}"
        context = {
            "stated": plain(stated, currency),
            "computed": plain(computed, currency),
            "difference": plain(stated - computed, currency),
            "currency": currency,
        }
        raise PydanticCustomError("total_differs", message, context)
    if not fits_minor_unit(stated, currency):
        message = "total {stated} has more decimal places than {currency} has"
        raise PydanticCustomError(
            "minor_unit", message, {"stated": str(stated), "currency": currency}
        )
