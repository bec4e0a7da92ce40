"""What the cloud ERP's validate action tells of a document, compared with what was sent.

Business Central has no flag that validates without booking. The action is one of the extension
that the cloud company needs anyway (for cancellations): ``POST …/salesOrders/Coexist.validate``
takes the body of a POST, runs all its checks in a transaction it rolls back, and answers with the
document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from gateway.canonical.envelope import Body, Envelope, OrderCancellation, StoredSale
from gateway.canonical.order import Order, Return
from gateway.canonical.returning import (
    AuthorisedLine,
    ReceivedLine,
    ReturnAuthorisation,
    ReturnReceipt,
)
from gateway.canonical.validation import Difference
from gateway.erp.body import business
from gateway.erp.cloud.exact import Json
from gateway.erp.cloud.goods import STEP
from gateway.erp.figures import BadAnswer

#: Appended to a collection's path.
ACTION: Final = "/Coexist.validate"

#: Process -> the property that holds its document's lines.
LINES: Final[dict[str, str]] = {
    "order.intake": "salesOrderLines",
    "order.cancellation": "lines",
    "return.authorisation": "salesReturnOrderLines",
    "return.receipt": "returnReceiptLines",
    "return.credit": "salesCreditMemoLines",
    "store.sale": "salesInvoiceLines",
}

Told = str | Decimal
View = Mapping[str, Json]


def differences(envelope: Envelope, view: Json) -> tuple[Difference, ...]:
    """Compare a document as it would be booked with the envelope's. Raises :class:`BadAnswer`."""
    if not isinstance(view, dict):
        raise BadAnswer(f"{type(view).__name__} is no document")
    body = business(envelope)
    kept = {**_kept_head(body, view), **_kept_lines(view.get(LINES[envelope.process], []))}
    sent = {**_sent_head(body), **_sent_lines(body)}
    return tuple(
        Difference(field, _text(sent.get(field, "")), _text(kept.get(field, "")))
        for field in {**sent, **kept}
        if sent.get(field, "") != kept.get(field, "")
    )


def _sent_head(body: Body) -> dict[str, Told]:
    match body:
        case Order():
            to = body.ship_to
            return {
                "order_ref": body.order_ref,
                "ordered_at": body.ordered_at.date().isoformat(),
                "currency": body.currency,
                "customer.ref": body.customer.ref,
                "customer.name": body.customer.name,
                "ship_to.name": to.name,
                "ship_to.street": to.street,
                "ship_to.city": to.city,
                "ship_to.region": to.region,
                "ship_to.postal_code": to.postal_code,
                "ship_to.country": to.country,
                "total": body.total,
            }
        case Return():
            return {
                "order_ref": body.order_ref,
                "returned_at": body.returned_at.date().isoformat(),
                "currency": body.currency,
                "total": body.total,
            }
        case OrderCancellation():
            return {"order_ref": body.order_ref}
        case ReturnAuthorisation():
            at = body.authorised_at.date().isoformat()
            return {
                "order_ref": body.order_ref, "return_ref": body.return_ref, "authorised_at": at
            }  # fmt: skip
        case ReturnReceipt():
            at = body.received_at.date().isoformat()
            return {
                "order_ref": body.order_ref, "return_ref": body.return_ref or "", "received_at": at
            }  # fmt: skip
        case StoredSale():
            sale = body.sale
            return {
                "business_date": sale.business_date.isoformat(),
                "currency": sale.currency,
                "total": sale.total,
            }


_HEADS: Final[dict[type[Body], dict[str, tuple[str, ...]]]] = {
    Order: {
        "order_ref": ("channelOrderReference",),
        "ordered_at": ("orderDate",),
        "currency": ("currencyCode",),
        "customer.ref": ("customerNumber",),
        "customer.name": ("customerName",),
        "ship_to.name": ("shipToName",),
        "ship_to.street": ("shipToAddressLine1", "shipToAddressLine2"),
        "ship_to.city": ("shipToCity",),
        "ship_to.region": ("shipToState",),
        "ship_to.postal_code": ("shipToPostCode",),
        "ship_to.country": ("shipToCountry",),
        "total": ("totalAmountIncludingTax",),
    },
    Return: {
        "order_ref": ("channelOrderReference",),
        "returned_at": ("creditMemoDate",),
        "currency": ("currencyCode",),
        "total": ("totalAmountIncludingTax",),
    },
    OrderCancellation: {"order_ref": ("channelOrderReference",)},
    ReturnAuthorisation: {
        "order_ref": ("channelOrderReference",),
        "return_ref": ("returnReference",),
        "authorised_at": ("orderDate",),
    },
    ReturnReceipt: {
        "order_ref": ("channelOrderReference",),
        "return_ref": ("returnReference",),
        "received_at": ("receiptDate",),
    },
    StoredSale: {
        "business_date": ("invoiceDate",),
        "currency": ("currencyCode",),
        "total": ("totalAmountIncludingTax",),
    },
}
"""Canonical field -> the properties that hold it, their texts put together."""


def _kept_head(body: Body, view: View) -> dict[str, Told]:
    return {
        field: _joined([view.get(name) for name in names])
        for field, names in _HEADS[type(body)].items()
    }


def _joined(values: list[Json]) -> Told:
    if len(values) == 1 and isinstance(values[0], int | Decimal):
        return Decimal(values[0])
    return " ".join(" ".join(str(each).split()) for each in values if each)


def _sent_lines(body: Body) -> dict[str, Told]:
    told: dict[str, Told] = {}
    match body:
        case Order() | StoredSale():
            for line in (body if isinstance(body, Order) else body.sale).lines:
                told |= _line(line.line, line.quantity, sku=line.sku, amount=line.amount)
        case Return():
            for back in body.lines:
                told |= _line(back.line, back.quantity, sku=back.sku, amount=back.refund)
        case ReturnAuthorisation() | ReturnReceipt():
            for number, piece in _goods(body):
                told |= _line(number, piece.quantity, sku=piece.sku)
        case OrderCancellation():
            for wish in body.cancellation.lines:
                told |= _line(wish.line, wish.quantity)
    return told


def _goods(
    body: ReturnAuthorisation | ReturnReceipt,
) -> Iterator[tuple[int, AuthorisedLine | ReceivedLine]]:
    """Lines as the document numbers them: what came is numbered by row."""
    if isinstance(body, ReturnReceipt):
        yield from enumerate(body.lines, start=1)
    else:
        yield from ((line.line, line) for line in body.lines)


def _kept_lines(lines: Json) -> dict[str, Told]:
    if not isinstance(lines, list):
        raise BadAnswer("the document's lines are no list")
    told: dict[str, Told] = {}
    for line in lines:
        told |= dict(_kept_line(line))
    return told


def _kept_line(line: Json) -> Iterator[tuple[str, Told]]:
    if not isinstance(line, dict):
        raise BadAnswer(f"{type(line).__name__} is no line")
    number = int(_figure(line, "sequence")) // STEP
    known: dict[str, Told] = {}
    if line.get("lineObjectNumber"):
        known["sku"] = str(line["lineObjectNumber"])
    for name in ("amountIncludingTax", "amountExcludingTax"):
        if name in line:
            known["amount"] = _figure(line, name)
    yield from _line(number, _figure(line, "quantity"), **known).items()


def _line(number: int, quantity: Decimal | int, **more: Told) -> dict[str, Told]:
    fields: dict[str, Told] = {**more, "quantity": Decimal(quantity)}
    return {f"lines[{number}].{name}": value for name, value in fields.items()}


def _figure(line: View, name: str) -> Decimal:
    value = line.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadAnswer(f"{name} is {value!r}, expected a figure")
    return Decimal(value)


def _text(value: Told) -> str:
    return format(value, "f") if isinstance(value, Decimal) else value
