"""From a canonical message to the JSON that books it. Pure: the same envelope, the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from gateway.canonical.envelope import (
    Body,
    Envelope,
    OrderCancellation,
    StoredSale,
    external_reference,
    order_channel,
    receipt_reference,
)
from gateway.canonical.order import Order, Return, SalesLine
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.canonical.sale import SaleReturn
from gateway.erp.body import Overlong, business
from gateway.erp.cloud import goods
from gateway.erp.cloud.exact import Json, dumps
from gateway.erp.cloud.goods import STEP, location
from gateway.erp.figures import per_piece

#: Characters the ERP's free-text fields hold; names and places are cut, nothing else is.
LENGTHS: Final[dict[str, int]] = {
    "customerName": 100,
    "shipToName": 100,
    "shipToAddressLine1": 100,
    "shipToAddressLine2": 50,
    "shipToCity": 30,
    "shipToState": 30,
}
_EMAIL_CHARS_MAX: Final = 80
#: The company's first global dimension says which channel an order is of: two channels may use the
#: same order reference. Business Central's dimension values are Code[20], in capitals.
DIMENSION: Final = "shortcutDimension1Code"
DIMENSION_CHARS_MAX: Final = 20

#: Receipts that give more back than they take: no invoice may have a total below zero.
_REFUNDS: Final = "salesCreditMemos"

#: Item charges: shipping, and what a credit gives or keeps beside goods and shipping.
FREIGHT: Final = "FREIGHT"
ADJUSTMENT: Final = "ADJUSTMENT"

#: Process -> the resource its documents are.
RESOURCES: Final[dict[str, str]] = {
    "order.intake": "salesOrders",
    "order.cancellation": "salesOrderCancellations",
    "return.authorisation": "salesReturnOrders",
    "return.receipt": "returnReceipts",
    "return.credit": "salesCreditMemos",
    "store.sale": "salesInvoices",
}


@dataclass(frozen=True, slots=True)
class Document:
    """What is posted where."""

    path: str
    content: bytes


def build(envelope: Envelope) -> Document:
    """Write the message's document. Raises :class:`gateway.erp.body.Unsendable`."""
    body: Body = business(envelope)
    reference = external_reference(envelope.transaction_id)
    match body:
        case Order():
            document = _order(body)
        case ReturnAuthorisation():
            document = goods.return_order(body)
        case ReturnReceipt():
            document = goods.return_receipt(body)
        case Return():
            document = _credit_memo(body)
        case OrderCancellation():
            document = _cancellation(body)
        case StoredSale():
            document = _invoice(body)
    channel = dimension(order_channel(envelope))
    told: dict[str, Json] = {"externalDocumentNumber": reference}
    if channel:
        told[DIMENSION] = channel
    content = dumps({**told, **document}).encode()
    return Document(collection(body.legal_entity, _resource(envelope.process, body)), content)


def dimension(channel: str) -> str:
    """Return the dimension value of a channel. Raises :class:`Overlong`, never cuts."""
    if len(channel) > DIMENSION_CHARS_MAX:
        raise Overlong(
            f"{DIMENSION} holds {DIMENSION_CHARS_MAX} characters, channel {channel!r} has "
            f"{len(channel)}"
        )
    return channel.upper()


def home(envelope: Envelope) -> str:
    """Return the path of the collection the message's document is in, or would be."""
    body = business(envelope)
    return collection(body.legal_entity, _resource(envelope.process, body))


def _resource(process: str, body: Body) -> str:
    gives_back = isinstance(body, StoredSale) and body.sale.total < 0
    return _REFUNDS if gives_back else RESOURCES[process]


def collection(legal_entity: str, resource: str) -> str:
    """Return the path of a resource of a company; the company is named as the legal entity."""
    return f"/api/v2.0/companies({quote(legal_entity, safe='')})/{resource}"


def where(path: str, name: str, value: str) -> str:
    """Return the path of a query for ``name eq 'value'``; a quote in it is written twice."""
    literal = value.replace("'", "''")
    condition = quote(f"{name} eq '{literal}'", safe="")
    return f"{path}?$filter={condition}"


# --------------------------------------------------------------------------- documents


def _order(order: Order) -> dict[str, Json]:
    email = order.customer.email or ""
    return {
        "channelOrderReference": order.order_ref,
        "orderDate": order.ordered_at.date().isoformat(),
        "customerNumber": order.customer.ref,
        **_cut(customerName=order.customer.name),
        **({"email": email} if 0 < len(email) <= _EMAIL_CHARS_MAX else {}),
        "currencyCode": order.currency,
        "pricesIncludeTax": order.tax_included,
        # Only booked: nothing of it is to be sent.
        **({"fulfilledByChannel": True} if order.fulfilled_by == "channel" else {}),
        **_ship_to(order),
        "salesOrderLines": [
            *(_located(line, tax_included=order.tax_included) for line in order.lines),
            *_freight(order),
        ],
        "totalAmountIncludingTax": order.total,
    }


def _ship_to(order: Order) -> dict[str, Json]:
    to = order.ship_to
    street = _cut(shipToAddressLine1=to.street)
    rest = to.street[LENGTHS["shipToAddressLine1"] :].strip()
    return {
        **_cut(shipToName=to.name),
        **street,
        **(_cut(shipToAddressLine2=rest) if rest else {}),
        **_cut(shipToCity=to.city),
        **(_cut(shipToState=to.region) if to.region else {}),
        "shipToPostCode": to.postal_code,
        "shipToCountry": to.country,
    }


def _line(line: SalesLine | SaleReturn, *, tax_included: bool) -> dict[str, Json]:
    return {
        "sequence": line.line * STEP,
        "lineType": "Item",
        "lineObjectNumber": line.sku,
        "quantity": line.quantity,
        "unitPrice": line.unit_price,
        "discountAmount": line.discount,
        **_taxed(line.amount, line.tax, tax_included=tax_included),
    }


def _located(line: SalesLine, *, tax_included: bool) -> dict[str, Json]:
    return _line(line, tax_included=tax_included) | location(line.node)


def _freight(order: Order) -> list[Json]:
    """Shipping is an item charge behind all lines; free shipping is none."""
    shipping = order.shipping
    if not shipping.amount and not shipping.tax:
        return []
    return [
        {
            "sequence": (max(line.line for line in order.lines) + 1) * STEP,
            "lineType": "Charge",
            "lineObjectNumber": FREIGHT,
            "quantity": 1,
            "unitPrice": shipping.amount,
            **_taxed(shipping.amount, shipping.tax, tax_included=order.tax_included),
        }
    ]


def _taxed(amount: Decimal, tax: Decimal, *, tax_included: bool) -> dict[str, Json]:
    including = amount if tax_included else amount + tax
    return {"totalTaxAmount": tax, "amountIncludingTax": including}


def _credit_memo(returned: Return) -> dict[str, Json]:
    """Refunds include tax; what of it is tax is told line by line, unless nobody could say."""
    lines: list[Json] = []
    for line in returned.lines:
        each, discount = per_piece(line.refund, line.quantity, returned.currency)
        lines.append(
            {
                "sequence": line.line * STEP,
                "lineType": "Item",
                "lineObjectNumber": line.sku,
                "quantity": line.quantity,
                "unitPrice": each,
                "discountAmount": discount,
                **_tax_of(line.tax),
                "amountIncludingTax": line.refund,
                **location(line.node),
                # The return receipt moves the goods, or nothing does.
                **({} if line.restock else {"withoutGoods": True}),
            }
        )
    freight = (FREIGHT, returned.shipping, returned.shipping_tax)
    beside = [freight] if returned.shipping else []
    beside += [(ADJUSTMENT, it.amount, None) for it in returned.adjustments if it.amount]
    first = max((line.line for line in returned.lines), default=0) + 1
    lines += [
        {
            "sequence": (first + n) * STEP,
            "lineType": "Charge",
            "lineObjectNumber": charge,
            "quantity": 1,
            "unitPrice": amount,
            **_tax_of(tax),
            "amountIncludingTax": amount,
        }
        for n, (charge, amount, tax) in enumerate(beside)
    ]
    return {
        "channelOrderReference": returned.order_ref,
        "creditMemoDate": returned.returned_at.date().isoformat(),
        "currencyCode": returned.currency,
        "pricesIncludeTax": True,
        "salesCreditMemoLines": lines,
        "totalAmountIncludingTax": returned.total,
    }


def _tax_of(tax: Decimal | None) -> dict[str, Json]:
    return {} if tax is None else {"totalTaxAmount": tax}


def _cancellation(wish: OrderCancellation) -> dict[str, Json]:
    """Without lines it means the whole order."""
    document: dict[str, Json] = {
        "channelOrderReference": wish.order_ref,
        "reason": wish.cancellation.reason,
    }
    if wish.cancellation.lines:
        document["lines"] = [
            {"sequence": line.line * STEP, "quantity": line.quantity}
            for line in wish.cancellation.lines
        ]
    return document


def _invoice(stored: StoredSale) -> dict[str, Json]:
    """A receipt: what came back has a quantity below zero, and in a credit memo what was sold.

    Its tenders have no field here; their sum less rounding is the total, which has.
    """
    sale = stored.sale
    sign = -1 if sale.total < 0 else 1
    day = sale.business_date.isoformat()
    date, lines = ("creditMemoDate", "salesCreditMemoLines") if sign < 0 else (
        "invoiceDate", "salesInvoiceLines")  # fmt: skip
    return {
        "channelOrderReference": receipt_reference(
            stored.store, day, sale.register_id, sale.sequence
        ),
        date: day,
        "currencyCode": sale.currency,
        "pricesIncludeTax": sale.tax_included,
        lines: [
            *(_counted(line, sign, tax_included=sale.tax_included) for line in sale.lines),
            *(_counted(line, -sign, tax_included=sale.tax_included) for line in sale.returns),
        ],
        "totalAmountIncludingTax": sign * sale.total,
    }


def _counted(line: SalesLine | SaleReturn, sign: int, *, tax_included: bool) -> dict[str, Json]:
    return {
        **_line(line, tax_included=tax_included),
        "quantity": sign * line.quantity,
        "discountAmount": sign * line.discount,
        **_taxed(sign * line.amount, sign * line.tax, tax_included=tax_included),
    }


def _cut(**texts: str) -> dict[str, Json]:
    return {name: text[: LENGTHS[name]].rstrip() for name, text in texts.items()}
