"""Reads an order that is plainly right for a fraction of what its model costs; or says nothing.

Nearly all orders are well-formed, and then nobody needs the model's report field by field: a typed
parse, one look at all texts of a kind together, and the sums to the cent decide. What is vouched
for here the model takes too, and reads the same; whatever is not vouched for, right or wrong, the
model judges and explains. ``tests/property/test_quick_orders.py`` holds the one against the other.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.canonical.money import INTEGER_DIGITS_MAX, MINOR_DIGITS
from gateway.canonical.order import LINES_MAX

_Number: TypeAlias = Annotated[int, Meta(ge=1, le=9999)]
_Quantity: TypeAlias = Annotated[int, Meta(ge=1, le=100_000)]
_Optional: TypeAlias = str | UnsetType
_Money = TypeVar("_Money", int, Decimal)


class _Struct(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Fields stand in the order of RFC 8785, so that writing a struct writes its canonical text.

    What was not sent is unset, and is not written. Fields that few orders have, such as what taxes
    and discounts consist of, are not here: an order with one of them is left to the model.
    """


class Customer(_Struct, kw_only=True):
    """:class:`gateway.canonical.order.Customer`."""

    email: str | UnsetType | None = UNSET
    group: _Optional = UNSET
    name: str
    ref: str


class Address(_Struct, kw_only=True):
    """:class:`gateway.canonical.order.Address`."""

    city: str
    country: str
    name: str
    postal_code: str
    region: _Optional = UNSET
    street: str


class SalesLine(_Struct, kw_only=True):
    """:class:`gateway.canonical.order.SalesLine`."""

    discount: _Optional = UNSET
    line: _Number
    quantity: _Quantity
    sku: str
    tax: _Optional = UNSET
    unit_price: str


class Shipping(_Struct, kw_only=True):
    """:class:`gateway.canonical.order.Shipping`."""

    amount: _Optional = UNSET
    tax: _Optional = UNSET


class Payment(_Struct, kw_only=True):
    """:class:`gateway.canonical.order.Payment`."""

    method: str
    reference: _Optional = UNSET
    status: _Optional = UNSET


class Order(_Struct, kw_only=True):
    """:class:`gateway.canonical.order.Order`."""

    currency: str
    customer: Customer
    legal_entity: str
    lines: Annotated[list[SalesLine], Meta(min_length=1, max_length=LINES_MAX)]
    order_ref: str
    ordered_at: str
    payment: Payment
    ship_to: Address
    shipping: Shipping | UnsetType = UNSET
    tax_included: bool | UnsetType = UNSET
    total: str


class Vouched(NamedTuple):
    """An order that is right in itself, when it was placed, and its canonical text (RFC 8785)."""

    order: Order
    ordered_at: datetime
    canonical: bytes


_decode: Final = msgspec.json.Decoder(Order).decode
_encode: Final = msgspec.json.Encoder().encode

_ANY: Final = r"[^\x00-\x1f\x7f\ufffe\uffff]"
_INK: Final = r"[^\s\x00-\x1f\x7f\ufffe\uffff]"
_TEXT: Final = f"{_INK}(?:{_ANY}{{0,118}}{_INK})?"
_SHORT: Final = f"(?:{_INK}(?:{_ANY}{{0,38}}{_INK})?)?"
_ASCII_INK: Final = "[!-?A-~]"
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
_OFFSET: Final = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

#: All texts of an order but those of its lines, in the order ``_texts`` joins them. None of them
#: may hold a line feed, so the number of line feeds keeps each pattern to its own field.
_TEXTS: Final = re.compile(
    "\n".join(
        (
            "[A-Za-z0-9][A-Za-z0-9._:#-]{0,34}",  # order_ref
            "[A-Z0-9]{2,10}",  # legal_entity
            f"{_DAY}T{_TIME}{_OFFSET}",  # ordered_at
            "[A-Za-z0-9][A-Za-z0-9._:#-]{0,16}",  # customer.ref
            _TEXT,  # customer.name
            f"{_ASCII_INK}{{1,100}}@{_ASCII_INK}{{1,100}}",  # customer.email
            _SHORT,  # customer.group
            _TEXT,  # ship_to.name
            _TEXT,  # ship_to.street
            _TEXT,  # ship_to.city
            "[A-Za-z0-9](?:[A-Za-z0-9 -]{0,8}[A-Za-z0-9-])?",  # ship_to.postal_code
            "[A-Z]{2}",  # ship_to.country
            _SHORT,  # ship_to.region
            _SHORT,  # payment.method
            "(?:paid|authorised|pending)",  # payment.status
            f"(?:{_INK}(?:{_ANY}{{0,62}}{_INK})?)?",  # payment.reference
        )
    )
)
_SKU: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,34}"
_SKUS: Final = re.compile(f"{_SKU}(?:\n{_SKU})*")


def _amounts(digits: int) -> re.Pattern[str]:
    """Match amounts, a line each, that have no more places than a currency of ``digits`` has."""
    places = rf"(?:\.[0-9]{{1,{digits}}})?" if digits else ""
    amount = rf"(?:0|[1-9][0-9]{{0,{INTEGER_DIGITS_MAX - 1}}}){places}"
    return re.compile(f"{amount}(?:\n{amount})*")


def _whole(digits: int) -> re.Pattern[str]:
    """Match amounts, a line each, that have all places of their currency; "0" may have none."""
    places = rf"\.[0-9]{{{digits}}}" if digits else ""
    amount = rf"(?:0|(?:0|[1-9][0-9]{{0,{INTEGER_DIGITS_MAX - 1}}}){places})"
    return re.compile(f"{amount}(?:\n{amount})*")


_AMOUNTS: Final = {currency: _amounts(digits) for currency, digits in MINOR_DIGITS.items()}
_WHOLE: Final = {currency: _whole(digits) for currency, digits in MINOR_DIGITS.items()}


def vouched(body: bytes) -> Vouched | None:
    """Return the order a body plainly is, or None if that cannot be said in a hurry.

    A parser keeps the last of two equal keys. One that was dropped took its colon along, so a text
    with as many colons as its canonical form has no key twice; an escape could stand for a colon.
    """
    if b"\\" in body:
        return None
    try:
        order = _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: not UTF-8
        return None
    text = _encode(order)
    if body.count(b":") != text.count(b":") or not _well_formed(order) or not _adds_up(order):
        return None
    try:
        return Vouched(order, datetime.fromisoformat(order.ordered_at), text)
    except ValueError:
        return None


def _well_formed(order: Order) -> bool:
    customer, to, paid = order.customer, order.ship_to, order.payment
    email, status = customer.email, paid.status
    if email is None or email is UNSET:
        email = "nobody@example.com"
    if status is UNSET:
        status = "paid"
    texts = (
        f"{order.order_ref}\n{order.legal_entity}\n{order.ordered_at}\n"
        f"{customer.ref}\n{customer.name}\n{email}\n{customer.group or ''}\n"
        f"{to.name}\n{to.street}\n{to.city}\n{to.postal_code}\n{to.country}\n{to.region or ''}\n"
        f"{paid.method}\n{status}\n{paid.reference or ''}"
    )
    return _TEXTS.fullmatch(texts) is not None and (
        _SKUS.fullmatch("\n".join([line.sku for line in order.lines])) is not None
    )


def _adds_up(order: Order) -> bool:
    lines, shipping = order.lines, order.shipping
    pattern, whole = _AMOUNTS.get(order.currency), _WHOLE.get(order.currency)
    if pattern is None or whole is None or len({line.line for line in lines}) != len(lines):
        return False
    texts: list[Any] = [order.total, "0", "0"]
    if shipping is not UNSET:
        texts[1:] = shipping.amount, shipping.tax
    for line in lines:
        texts += line.unit_price, line.discount, line.tax
    try:
        text = "\n".join(texts)
    except TypeError:  # an amount is unset, which most channels write as 0.00
        texts = ["0" if it is UNSET else it for it in texts]
        text = "\n".join(texts)
    if whole.fullmatch(text) is not None:  # in minor units: whole numbers add up in half the time
        return _balances(order, [*map(int, text.replace(".", "").split("\n"))])
    return pattern.fullmatch(text) is not None and _balances(order, [*map(Decimal, texts)])


def _balances(order: Order, numbers: list[_Money]) -> bool:
    """Add up: total, shipping and its tax, then price, discount and tax of each line."""
    expected = numbers[1] - sum(numbers[4::3])
    for line, price in zip(order.lines, numbers[3::3], strict=True):
        expected += line.quantity * price
    if order.tax_included is False:
        expected += sum(numbers[2::3])
    return numbers[0] == expected
